-- One row per key under which a customer with an account was known before it was found: from Stripe, or a payment.
with payment_rows as (

    select * from {{ ref('int_payment_rows') }}
    where user_id is not null

),

former as (

    select
        'payment:' || payment_key as former_key,
        customer_key
    from payment_rows

    union all

    select
        'stripe:' || stripe_customer_id as former_key,
        customer_key
    from payment_rows
    where stripe_customer_id is not null

),

-- A Stripe customer whose payments belong to several accounts is the first of them by name.
final as (

    select
        cast(former_key as {{ dbt.type_string() }}) as former_key,
        cast(min(customer_key) as {{ dbt.type_string() }}) as customer_key
    from former
    group by former_key

)

select * from final
