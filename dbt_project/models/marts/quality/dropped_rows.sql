-- One row per reason, source table and currency: stored rows up to as_of that count in no metric.
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
    cross join {{ ref('build_info') }} as build
    inner join {{ ref('int_accounts') }} as accounts on credit_transactions.user_id = accounts.user_id
    where accounts.exclusion is null and credit_transactions.is_test and credit_transactions.transacted_at <= build.as_of

),

dropped as (

    select
        dropped_reason as reason,
        'stripe_payments' as source_table,
        currency,
        -- Refunds are stored with either sign.
        abs(amount_cents) as amount_cents
    from payments

    union all

    select
        exclusion as reason,
        'users' as source_table,
        null as currency,
        null as amount_cents
    from accounts

    union all

    select
        'test' as reason,
        'credit_transactions' as source_table,
        null as currency,
        null as amount_cents
    from credit_transactions

),

final as (

    select
        cast(reason as {{ dbt.type_string() }}) as reason,
        cast(source_table as {{ dbt.type_string() }}) as source_table,
        cast(currency as {{ dbt.type_string() }}) as currency,
        cast(count(*) as bigint) as row_count,
        cast(sum(amount_cents) as bigint) as amount_cents
    from dropped
    group by reason, source_table, currency

)

select * from final
