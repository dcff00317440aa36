-- One row per month and currency in which the customers' movements do not sum to mrr_movements.
with members as (

    select
        month,
        currency,
        sum(case when movement = 'new' then movement_mrr_cents else 0 end) as new_mrr_cents,
        sum(case when movement = 'reactivation' then movement_mrr_cents else 0 end) as reactivation_mrr_cents,
        sum(case when movement = 'expansion' then movement_mrr_cents else 0 end) as expansion_mrr_cents,
        sum(case when movement = 'contraction' then movement_mrr_cents else 0 end) as contraction_mrr_cents,
        sum(case when movement = 'churn' then movement_mrr_cents else 0 end) as churn_mrr_cents
    from {{ ref('mrr_by_member') }}
    group by month, currency

)

select movements.*
from {{ ref('mrr_movements') }} as movements
full outer join members on movements.month = members.month and movements.currency = members.currency
where
    movements.month is null
    or movements.new_mrr_cents <> coalesce(members.new_mrr_cents, 0)
    or movements.reactivation_mrr_cents <> coalesce(members.reactivation_mrr_cents, 0)
    or movements.expansion_mrr_cents <> coalesce(members.expansion_mrr_cents, 0)
    or movements.contraction_mrr_cents <> coalesce(members.contraction_mrr_cents, 0)
    or movements.churn_mrr_cents <> coalesce(members.churn_mrr_cents, 0)
