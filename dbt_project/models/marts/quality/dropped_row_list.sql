-- One row per stored row up to as_of that counts in no metric: what dropped_rows counts.
with payments as (

    select * from {{ ref('int_payments') }}
    where dropped_reason is not null

),

accounts as (

    select * from {{ ref('int_accounts') }}
    where exclusion is not null

),

-- Of users who count: all entries of the others are dropped with their account.
credit_transactions as (

    select credit_transactions.*
    from {{ ref('stg_app__credit_transactions') }} as credit_transactions
    cross join {{ ref('core_build') }} as build
    inner join {{ ref('int_accounts') }} as accounts on credit_transactions.user_id = accounts.user_id
    where accounts.exclusion is null and credit_transactions.is_test and credit_transactions.transacted_at <= build.as_of

),

dropped as (

    select
        'stripe_payments' as source_table,
        cast(payment_row_id as {{ dbt.type_string() }}) as row_key,
        dropped_reason as reason,
        customer_key,
        payment_key,
        currency,
        -- Refunds are stored with either sign.
        abs(amount_cents) as amount_cents
    from payments

    union all

    -- Counted as given back up to what was paid, and dropped beyond it.
    select
        case when origin = 'export' then 'stripe_export' else 'stripe_payments' end as source_table,
        coalesce(cast(payment_row_id as {{ dbt.type_string() }}), reversal_key) as row_key,
        'over_refund' as reason,
        customer_key,
        payment_key,
        currency,
        over_cents as amount_cents
    from {{ ref('int_reversals') }}
    where over_cents > 0

    union all

    select
        'users' as source_table,
        user_id as row_key,
        exclusion as reason,
        user_id as customer_key,
        null as payment_key,
        null as currency,
        null as amount_cents
    from accounts

    union all

    select
        'credit_transactions' as source_table,
        cast(credit_transaction_id as {{ dbt.type_string() }}) as row_key,
        'test' as reason,
        user_id as customer_key,
        null as payment_key,
        null as currency,
        null as amount_cents
    from credit_transactions

),

final as (

    select
        cast(source_table as {{ dbt.type_string() }}) as source_table,
        cast(row_key as {{ dbt.type_string() }}) as row_key,
        cast(reason as {{ dbt.type_string() }}) as reason,
        customer_key,
        cast(payment_key as {{ dbt.type_string() }}) as payment_key,
        cast(currency as {{ dbt.type_string() }}) as currency,
        cast(amount_cents as bigint) as amount_cents
    from dropped

)

select * from final
