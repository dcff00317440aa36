-- One row per Stripe invoice that is not paid by one payment of its amount, in revenue as in the stored rows.
with settled as (

    select
        stripe_invoice_id,
        max(amount_cents) as amount_cents,
        sum(case when is_payment then 1 else 0 end) as payment_count
    from {{ ref('int_payments') }}
    where stripe_invoice_id is not null and coalesce(dropped_reason, 'duplicate') in ('duplicate', 'zero')
    group by stripe_invoice_id

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
