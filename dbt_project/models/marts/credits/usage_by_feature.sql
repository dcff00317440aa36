-- One row per month and feature: credits used, by how many users, and what they cost at the assumed rate.
with months as (

    select * from {{ ref('dim_months') }}

),

spends as (

    select * from {{ ref('int_credit_entries') }}
    where kind = 'used'

),

costs as (

    select * from {{ ref('feature_costs') }}

),

used as (

    select
        {{ local_month('transacted_at') }} as month,
        feature,
        -sum(credits) as used_credits,
        count(distinct user_id) as user_count,
        -- Credits that came back are no spend.
        sum(case when credits < 0 then 1 else 0 end) as event_count
    from spends
    group by 1, 2

),

spine as (

    select
        months.month,
        months.is_complete,
        features.feature
    from months
    cross join (select distinct feature from used) as features
    where months.month >= (select min(month) from used)

),

final as (

    select
        spine.month,
        spine.feature,
        cast(coalesce(used.used_credits, 0) as bigint) as used_credits,
        cast(coalesce(used.user_count, 0) as bigint) as user_count,
        cast(coalesce(used.event_count, 0) as bigint) as event_count,
        cast(coalesce(used.used_credits, 0) * costs.cents_per_credit as bigint) as cost_cents,
        spine.is_complete
    from spine
    left join used on spine.month = used.month and spine.feature = used.feature
    left join costs on spine.feature = costs.feature

)

select * from final
