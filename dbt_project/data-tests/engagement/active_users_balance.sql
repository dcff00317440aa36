-- One row per grain and period whose active users are not new, returning and resurrected ones, or whose predecessor's did not return or lie dormant.
with periods as (

    select
        active_users.*,
        lag(active_count, 1, 0) over (partition by grain order by period nulls last) as previous_active_count
    from {{ ref('active_users') }} as active_users

),

users as (

    select count(distinct user_id) as user_count from {{ ref('fct_activity') }}

),

firsts as (

    select
        grain,
        sum(new_count) as new_count
    from periods
    group by grain

)

select periods.*
from periods
inner join firsts on periods.grain = firsts.grain
cross join users
where
    periods.active_count <> periods.new_count + periods.returning_count + periods.resurrected_count
    or periods.previous_active_count <> periods.returning_count + periods.dormant_count
    or firsts.new_count <> users.user_count
