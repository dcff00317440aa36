-- One row per purchase of credits up to as_of: what was paid for it, and when that was given back in full.
with entries as (

    select * from {{ ref('int_credit_entries') }}
    where kind = 'purchased' and credits > 0

),

payment_rows as (

    select * from {{ ref('int_payments') }}

),

-- A payment can be stored under several ids.
payments as (

    select
        stored.stripe_payment_id,
        max(kept.payment_key) as payment_key,
        max(kept.currency) as currency,
        max(kept.amount_cents) as amount_cents
    from payment_rows as stored
    inner join payment_rows as kept on stored.payment_key = kept.payment_key
    where
        stored.stripe_payment_id is not null
        and (stored.dropped_reason is null or stored.dropped_reason = 'duplicate')
        and kept.dropped_reason is null
    group by stored.stripe_payment_id

),

given_back as (

    select
        payment_key,
        sum(kept_cents) as amount_cents,
        max(given_back_at) as given_back_at
    from {{ ref('int_reversals') }}
    where kept_cents > 0
    group by payment_key

),

final as (

    select
        entries.credit_transaction_id,
        entries.user_id,
        entries.transacted_at,
        entries.credits,
        entries.stripe_payment_id,
        coalesce(payments.currency, 'usd') as currency,
        coalesce(entries.payment_amount_cents, payments.amount_cents) as price_cents,
        case when given_back.amount_cents >= payments.amount_cents then given_back.given_back_at end as given_back_at
    from entries
    left join payments on entries.stripe_payment_id = payments.stripe_payment_id
    left join given_back on payments.payment_key = given_back.payment_key

)

select * from final
