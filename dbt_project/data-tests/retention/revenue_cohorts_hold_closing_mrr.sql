-- One row per month and currency in which the revenue cohorts do not hold the closing MRR.
with cohorts as (

    select
        {{ add_periods('cohort_period', 'period_index', 'month') }} as month,
        currency,
        sum(mrr_cents) as mrr_cents
    from {{ ref('revenue_cohorts') }}
    where mrr_cents is not null
    group by 1, 2

)

select
    coalesce(movements.month, cohorts.month) as month,
    coalesce(movements.currency, cohorts.currency) as currency,
    movements.closing_mrr_cents,
    cohorts.mrr_cents
from {{ ref('mrr_movements') }} as movements
full outer join cohorts on movements.month = cohorts.month and movements.currency = cohorts.currency
where coalesce(movements.closing_mrr_cents, -1) <> coalesce(cohorts.mrr_cents, -1)
