-- One row per month and currency whose MRR does not balance to the cent, or does not open where the month before closed.
with movements as (

    select
        mrr_movements.*,
        lag(closing_mrr_cents, 1, 0) over (partition by currency order by month nulls last) as previous_closing_mrr_cents,
        lag(month) over (partition by currency order by month nulls last) as previous_month
    from {{ ref('mrr_movements') }} as mrr_movements

)

select *
from movements
where
    closing_mrr_cents
    <> opening_mrr_cents
    + new_mrr_cents
    + reactivation_mrr_cents
    + expansion_mrr_cents
    - contraction_mrr_cents
    - churn_mrr_cents
    or opening_mrr_cents <> previous_closing_mrr_cents
    or month <> {{ add_periods('previous_month', '1', 'month') }}
    or least(new_mrr_cents, reactivation_mrr_cents, expansion_mrr_cents, contraction_mrr_cents, churn_mrr_cents, closing_mrr_cents) < 0
    or in_grace_mrr_cents not between 0 and churn_mrr_cents
