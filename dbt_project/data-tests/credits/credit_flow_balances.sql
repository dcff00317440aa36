-- One row per month whose credits do not balance, do not follow the month before, or differ from the use by feature.
with features as (

    select
        month,
        sum(used_credits) as used_credits
    from {{ ref('usage_by_feature') }}
    group by month

),

flow as (

    select
        credit_flow_by_month.*,
        lag(closing_credits, 1, 0) over (order by month nulls last) as previous_closing_credits
    from {{ ref('credit_flow_by_month') }} as credit_flow_by_month

)

select flow.*
from flow
full outer join features on flow.month = features.month
where
    flow.month is null
    or flow.closing_credits
    <> flow.opening_credits
    + flow.purchased_credits
    + flow.granted_credits
    + flow.bonus_credits
    + flow.adjusted_credits
    - flow.used_credits
    - flow.expired_credits
    or flow.opening_credits <> flow.previous_closing_credits
    or flow.used_credits <> coalesce(features.used_credits, 0)
