-- One row per refund up to as_of, of the payment that it gives back where that is known.
with build as (

    select * from {{ ref('core_build') }}

),

payments as (

    select * from {{ ref('int_payments') }}

),

received as (

    select * from payments
    where is_payment

),

refund_rows as (

    select * from payments
    where dropped_reason = 'refund'

),

-- Every id under which a received payment was stored, its merged duplicates' included.
payment_ids as (

    select distinct
        payments.stripe_payment_id,
        payments.payment_key
    from payments
    inner join received on payments.payment_key = received.payment_key
    where payments.dropped_reason is null or payments.dropped_reason in ('duplicate', 'zero')

),

stored_refunds as (

    select
        'row:' || cast(refund_rows.payment_row_id as {{ dbt.type_string() }}) as refund_key,
        coalesce(by_invoice.payment_key, by_payment_id.payment_key) as payment_key,
        coalesce(by_invoice.customer_key, by_payment_id.customer_key, refund_rows.customer_key) as customer_key,
        coalesce(by_invoice.product_type, by_payment_id.product_type, refund_rows.product_type) as product_type,
        refund_rows.currency,
        abs(refund_rows.amount_cents) as amount_cents,
        refund_rows.paid_at as refunded_at
    from refund_rows
    left join received as by_invoice on refund_rows.stripe_invoice_id = by_invoice.payment_key
    left join payment_ids on refund_rows.stripe_payment_id = payment_ids.stripe_payment_id
    left join received as by_payment_id on payment_ids.payment_key = by_payment_id.payment_key

),

stored_amounts as (

    select
        payment_key,
        sum(amount_cents) as amount_cents
    from stored_refunds
    group by payment_key

),

-- A payment whose status says `refunded` was given back in full: what no refund row tells of.
status_refunds as (

    select
        'payment:' || received.payment_key as refund_key,
        received.payment_key,
        received.customer_key,
        received.product_type,
        received.currency,
        received.amount_cents - coalesce(stored_amounts.amount_cents, 0) as amount_cents,
        received.status_refunded_at as refunded_at
    from received
    cross join build
    left join stored_amounts on received.payment_key = stored_amounts.payment_key
    where
        received.status_refunded_at <= build.as_of
        and received.amount_cents > coalesce(stored_amounts.amount_cents, 0)

),

final as (

    select * from stored_refunds
    union all
    select * from status_refunds

)

select
    refund_key,
    payment_key,
    customer_key,
    product_type,
    currency,
    cast(amount_cents as bigint) as amount_cents,
    refunded_at
from final
