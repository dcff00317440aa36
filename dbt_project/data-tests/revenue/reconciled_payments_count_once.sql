-- Each payment counts once in the reconciliation, by its own amount.
with reconciled as (

    select
        payment_key,
        sum(database_cents) as database_cents
    from {{ ref('stripe_reconciliation_rows') }}
    where payment_key is not null and (database_cents <> 0 or kind in ('matched', 'amount_differs', 'month_differs'))
    group by payment_key

)

select
    reconciled.payment_key,
    reconciled.database_cents,
    payments.amount_cents
from reconciled
left join {{ ref('int_payments') }} as payments on reconciled.payment_key = payments.payment_key and payments.is_payment
where reconciled.database_cents <> coalesce(payments.amount_cents, 0)
