-- One row per user who has more credits than the ledger ever gave; fewer is usual, since some spends never reach it.
with last_entries as (

    select max(transacted_at) as transacted_at
    from {{ ref('stg_app__credit_transactions') }}

)

select gaps.*
from {{ ref('ledger_gaps') }} as gaps
cross join last_entries
cross join {{ ref('core_build') }} as build
where
    gaps.gap_credits > 0
    -- Balances are those of now, and cannot be held against a ledger of the past.
    and coalesce(last_entries.transacted_at, build.as_of) <= build.as_of
