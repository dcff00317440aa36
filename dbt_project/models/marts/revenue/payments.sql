-- One row per payment received or refund given: the rows behind revenue by month.
with payments as (

    select * from {{ ref('int_payments') }}
    where is_payment and amount_cents > 0

),

refunds as (

    select * from {{ ref('int_refunds') }}

),

moved as (

    select
        payment_key as movement_key,
        payment_key,
        'payment' as kind,
        customer_key,
        product_type,
        currency,
        amount_cents as gross_cents,
        0 as refunded_cents,
        paid_at as moved_at
    from payments

    union all

    select
        'refund:' || refund_key as movement_key,
        payment_key,
        'refund' as kind,
        customer_key,
        coalesce(product_type, 'unknown') as product_type,
        currency,
        0 as gross_cents,
        amount_cents as refunded_cents,
        refunded_at as moved_at
    from refunds

),

final as (

    select
        movement_key,
        payment_key,
        cast(kind as {{ dbt.type_string() }}) as kind,
        {{ local_month('moved_at') }} as month,
        {{ local_date('moved_at') }} as moved_on,
        customer_key,
        product_type,
        currency,
        cast(gross_cents as bigint) as gross_cents,
        cast(refunded_cents as bigint) as refunded_cents
    from moved

)

select * from final
