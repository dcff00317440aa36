-- One row per stored payment row; an invoice can have several.
-- Where the source has no payment types at all, a payment with a subscription's id is one of a subscription.
{%- set has_types = has_column('stripe_payments', 'payment_type') %}
with source as (

    {{ conformed('stripe_payments') }}

),

renamed as (

    select
        id as payment_row_id,
        nullif(stripe_payment_id, '') as stripe_payment_id,
        nullif(stripe_invoice_id, '') as stripe_invoice_id,
        nullif(stripe_subscription_id, '') as stripe_subscription_id,
        nullif(stripe_customer_id, '') as stripe_customer_id,
        nullif(user_id, '') as user_id,
        nullif({{ json_text('metadata', 'user_id') }}, '') as metadata_user_id,
        nullif(lower(trim({{ json_text('metadata', 'customer_email') }})), '') as metadata_email,
        coalesce(amount_cents, 0) as amount_cents,
        coalesce(nullif(lower(trim(currency)), ''), 'usd') as currency,
        lower(status) as status,
        {{ 'lower(payment_type)' if has_types else "case when nullif(stripe_subscription_id, '') is not null then 'subscription' end" }} as payment_type,
        nullif(product_type, '') as product_type,
        coalesce(payment_date, created_at) as paid_at,
        coalesce(is_test_mode, false) as is_test,
        updated_at
    from source

)

select * from renamed
