-- One row per user whose lots hold less than nothing, more than was bought, or more than the ledger has left of them but for
-- what was spent when there was nothing.
with lots as (

    select
        user_id,
        sum(outstanding_credits) as outstanding_credits,
        max(case when outstanding_credits not between 0 and credits then 1 else 0 end) as impossible_count
    from {{ ref('int_credit_lots') }}
    group by user_id

),

overdrawn as (

    select
        user_id,
        greatest(0, -min(balance)) as credits
    from (
        select
            user_id,
            sum(credits) over (
                partition by user_id order by transacted_at nulls last, credit_transaction_id nulls last
                rows between unbounded preceding and current row
            ) as balance
        from {{ ref('int_credit_entries') }}
    ) as balances
    group by user_id

)

select
    lots.user_id,
    lots.outstanding_credits,
    gaps.ledger_balance
from lots
left join {{ ref('ledger_gaps') }} as gaps on lots.user_id = gaps.user_id
left join overdrawn on lots.user_id = overdrawn.user_id
where
    lots.impossible_count > 0
    or gaps.user_id is null
    or lots.outstanding_credits > greatest(0, gaps.ledger_balance + overdrawn.credits)
