-- One row per month and feature: how many of the month's active users used it.
with active as (

    select * from {{ ref('active_users') }}
    where grain = 'month'

),

activity as (

    select * from {{ ref('fct_activity') }}

),

used as (

    select
        cast(date_trunc('month', activity_on) as date) as month,
        feature,
        count(distinct user_id) as user_count,
        count(*) as event_count
    from activity
    group by 1, 2

),

final as (

    select
        active.period as month,
        features.feature,
        cast(coalesce(used.user_count, 0) as bigint) as user_count,
        cast(coalesce(used.event_count, 0) as bigint) as event_count,
        {{ ratio('coalesce(used.user_count, 0)', 'active.active_count') }} as adoption_rate,
        active.is_complete
    from active
    cross join (select distinct feature from used) as features
    left join used on active.period = used.month and features.feature = used.feature

)

select * from final
