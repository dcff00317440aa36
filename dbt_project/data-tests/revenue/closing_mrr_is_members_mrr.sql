-- One row per month and currency whose closing MRR or member count is not that of its members, one by one.
with members as (

    select
        month,
        currency,
        sum(mrr_cents) as mrr_cents,
        count(*) as member_count
    from {{ ref('member_months') }}
    group by month, currency

)

select
    movements.month,
    movements.currency,
    movements.closing_mrr_cents,
    members.mrr_cents,
    movements.member_count,
    members.member_count as counted_members
from {{ ref('mrr_movements') }} as movements
full outer join members on movements.month = members.month and movements.currency = members.currency
where
    coalesce(movements.closing_mrr_cents, -1) <> coalesce(members.mrr_cents, 0)
    or coalesce(movements.member_count, -1) <> coalesce(members.member_count, 0)
