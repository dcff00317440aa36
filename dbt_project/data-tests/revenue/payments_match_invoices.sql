-- One row per Stripe invoice that is not paid by one payment of its amount, in revenue as in the stored rows.
-- A row without an invoice's id whose own id is that invoice's is one of its records.
with invoices as (

    select distinct stripe_invoice_id
    from {{ ref('int_payments') }}
    where stripe_invoice_id is not null and coalesce(dropped_reason, 'duplicate') in ('duplicate', 'zero')

),

settled as (

    select
        payments.payment_key as stripe_invoice_id,
        max(payments.amount_cents) as amount_cents,
        sum(case when payments.is_payment then 1 else 0 end) as payment_count
    from {{ ref('int_payments') }} as payments
    inner join invoices on payments.payment_key = invoices.stripe_invoice_id
    where coalesce(payments.dropped_reason, 'duplicate') in ('duplicate', 'zero')
    group by payments.payment_key

),

counted as (

    select
        payment_key,
        sum(gross_cents) as gross_cents
    from {{ ref('payments') }}
    where kind = 'payment'
    group by payment_key

)

select
    settled.*,
    counted.gross_cents
from settled
left join counted on settled.stripe_invoice_id = counted.payment_key
where
    settled.payment_count <> 1
    or settled.amount_cents <> coalesce(counted.gross_cents, 0)
