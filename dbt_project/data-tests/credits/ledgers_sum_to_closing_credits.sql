-- One row when the users' ledgers do not sum to the last month's closing credits, or a gap is not balance less ledger.
with ledgers as (

    select
        coalesce(sum(ledger_balance), 0) as ledger_balance,
        coalesce(sum(case when gap_credits <> balance - ledger_balance then 1 else 0 end), 0) as wrong_gap_count
    from {{ ref('ledger_gaps') }}

),

closing as (

    select coalesce(sum(flow.closing_credits), 0) as closing_credits
    from {{ ref('credit_flow_by_month') }} as flow
    inner join {{ ref('core_build') }} as build on flow.month = build.as_of_month

)

select
    ledgers.ledger_balance,
    ledgers.wrong_gap_count,
    closing.closing_credits
from ledgers
cross join closing
where ledgers.ledger_balance <> closing.closing_credits or ledgers.wrong_gap_count > 0
