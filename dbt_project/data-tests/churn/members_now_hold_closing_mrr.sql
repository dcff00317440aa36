-- One row per currency in which the members at as_of do not hold the last month's closing MRR, or their number differs.
with members as (

    select
        currency,
        sum(mrr_cents) as mrr_cents,
        count(*) as member_count
    from {{ ref('members_now') }}
    where state <> 'in_grace'
    group by currency

),

closing as (

    select movements.*
    from {{ ref('mrr_movements') }} as movements
    inner join {{ ref('core_build') }} as build on movements.month = build.as_of_month

)

select
    coalesce(closing.currency, members.currency) as currency,
    closing.closing_mrr_cents,
    members.mrr_cents
from closing
full outer join members on closing.currency = members.currency
where
    coalesce(closing.closing_mrr_cents, -1) <> coalesce(members.mrr_cents, 0)
    or coalesce(closing.member_count, -1) <> coalesce(members.member_count, 0)
