-- One row per ledger entry, in credits.
with source as (

    {{ conformed('credit_transactions') }}

),

renamed as (

    select
        id as credit_transaction_id,
        user_id,
        coalesce(amount, 0) as credits,
        lower(transaction_type) as transaction_type,
        lower(description) as description,
        nullif(stripe_payment_id, '') as stripe_payment_id,
        payment_amount as payment_amount_cents,
        product_type,
        coalesce(is_test_mode, false) as is_test,
        created_at as transacted_at
    from source

)

select * from renamed
