-- One row per customer and product: the first payment for it above 0, up to as_of.
with payments as (

    select * from {{ ref('int_payments') }}
    where is_payment and amount_cents > 0

),

recurring_products as (

    select product_type from {{ ref('core_products') }}
    where is_recurring

    union

    select product_type from {{ ref('int_billing_attempts') }}

),

-- Every product of its own, and the recurring ones together as `membership`.
purchases as (

    select
        payments.customer_key,
        payments.product_type,
        payments.paid_at,
        recurring_products.product_type is not null as is_recurring
    from payments
    left join recurring_products on payments.product_type = recurring_products.product_type

    union all

    select
        payments.customer_key,
        'membership' as product_type,
        payments.paid_at,
        true as is_recurring
    from payments
    inner join recurring_products on payments.product_type = recurring_products.product_type

),

final as (

    select
        customer_key,
        cast(product_type as {{ dbt.type_string() }}) as product_type,
        is_recurring,
        min(paid_at) as first_paid_at,
        {{ local_date('min(paid_at)') }} as first_paid_on
    from purchases
    group by customer_key, product_type, is_recurring

)

select * from final
