-- Currencies whose changes up to as_of do not add up to the closing MRR of the last month.
with changes as (

    select
        currency,
        sum(change_cents) as mrr_cents
    from {{ ref('mrr_changes') }}
    group by currency

),

movements as (

    select
        currency,
        closing_mrr_cents
    from {{ ref('mrr_movements') }}
    where month = (select as_of_month from {{ ref('build_info') }})

)

select
    movements.currency,
    movements.closing_mrr_cents,
    changes.mrr_cents
from movements
left join changes on movements.currency = changes.currency
where movements.closing_mrr_cents <> coalesce(changes.mrr_cents, 0)
