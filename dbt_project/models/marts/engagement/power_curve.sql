-- One row per number of active days: how many users were active on that many of the last 28 complete days.
with build as (

    select * from {{ ref('core_build') }}

),

activity as (

    select * from {{ ref('fct_activity') }}

),

active_days as (

    select
        activity.user_id,
        count(distinct activity.activity_on) as active_days
    from activity
    cross join build
    where activity.activity_on >= build.complete_until_on - 28 and activity.activity_on < build.complete_until_on
    group by activity.user_id

),

numbers as (

    {{ numbers_up_to('27') }}

),

counted as (

    select
        numbers.n + 1 as active_days,
        count(active_days.user_id) as user_count
    from numbers
    left join active_days on numbers.n + 1 = active_days.active_days
    group by numbers.n

),

final as (

    select
        cast(active_days as bigint) as active_days,
        cast(user_count as bigint) as user_count,
        {{ ratio('user_count', 'sum(user_count) over ()') }} as share
    from counted

)

select * from final
