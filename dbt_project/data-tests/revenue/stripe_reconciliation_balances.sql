-- Over the kinds, every charge and every payment that the exports speak for stands once, to the cent.
with charged as (

    select
        {{ local_month('charged_at') }} as month,
        currency,
        sum(amount_cents) as stripe_cents
    from {{ ref('int_stripe_charges') }}
    where standing <> 'excluded'
    group by 1, 2

),

reconciled as (

    select
        month,
        currency,
        sum(stripe_cents) as stripe_cents,
        sum(database_cents + difference_cents) as explained_cents
    from {{ ref('stripe_reconciliation') }}
    group by month, currency

)

select
    coalesce(charged.month, reconciled.month) as month,
    coalesce(charged.currency, reconciled.currency) as currency,
    charged.stripe_cents,
    reconciled.explained_cents
from charged
full outer join reconciled on charged.month = reconciled.month and charged.currency = reconciled.currency
where
    coalesce(charged.stripe_cents, 0) <> coalesce(reconciled.stripe_cents, 0)
    or coalesce(reconciled.stripe_cents, 0) <> coalesce(reconciled.explained_cents, 0)
