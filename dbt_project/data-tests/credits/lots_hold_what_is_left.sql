-- One row per user whose lots do not hold what the ledger has left of the credits added, or hold the impossible.
with lots as (

    select
        user_id,
        sum(credits) as added_credits,
        sum(outstanding_credits) as outstanding_credits,
        max(case when outstanding_credits not between 0 and credits then 1 else 0 end) as impossible_count
    from {{ ref('int_credit_lots') }}
    group by user_id

)

select
    lots.user_id,
    lots.outstanding_credits,
    gaps.ledger_balance
from lots
left join {{ ref('ledger_gaps') }} as gaps on lots.user_id = gaps.user_id
where
    lots.impossible_count > 0
    or gaps.user_id is null
    or lots.outstanding_credits <> least(lots.added_credits, greatest(0, gaps.ledger_balance))
