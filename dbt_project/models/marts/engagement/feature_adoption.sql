-- One row per month and feature: how many of the month's active users used it.
with active as (

    select * from {{ ref('active_users') }}
    where grain = 'month'

),

months as (

    select * from {{ ref('active_months') }}

),

used as (

    select
        month,
        feature,
        count(*) as user_count,
        sum(event_count) as event_count
    from months
    group by month, feature

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
