-- One row per user with a balance or a ledger: what the ledger does not explain of the balance.
with accounts as (

    select * from {{ ref('int_accounts') }}
    where exclusion is null

),

balances as (

    select * from {{ ref('stg_app__user_credits') }}

),

ledgers as (

    select
        user_id,
        sum(credits) as ledger_balance,
        max(transacted_at) as last_entry_at
    from {{ ref('int_credit_entries') }}
    group by user_id

),

final as (

    select
        accounts.user_id,
        cast(coalesce(balances.balance, 0) as bigint) as balance,
        cast(coalesce(ledgers.ledger_balance, 0) as bigint) as ledger_balance,
        cast(coalesce(balances.balance, 0) - coalesce(ledgers.ledger_balance, 0) as bigint) as gap_credits,
        ledgers.last_entry_at
    from accounts
    left join balances on accounts.user_id = balances.user_id
    left join ledgers on accounts.user_id = ledgers.user_id
    where balances.user_id is not null or ledgers.user_id is not null

)

select * from final
