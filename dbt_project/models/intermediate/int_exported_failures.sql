-- One row per failed attempt to charge a subscription, up to as_of, that a payments export tells and the database does
-- not.
with build as (

    select * from {{ ref('core_build') }}

),

payment_rows as (

    select * from {{ ref('int_payment_rows') }}

),

stored as (

    select distinct stripe_payment_id from payment_rows
    where stripe_payment_id is not null

),

failed as (

    select failed_rows.*
    from {{ ref('stg_stripe__payment_rows') }} as failed_rows
    cross join build
    left join stored as charges on failed_rows.charge_id = charges.stripe_payment_id
    left join stored as intents on failed_rows.payment_intent_id = intents.stripe_payment_id
    where
        failed_rows.status = 'failed'
        and failed_rows.created_at <= build.as_of
        and charges.stripe_payment_id is null
        and intents.stripe_payment_id is null

),

-- What subscriptions were paid or tried for, of accounts that count.
subscriptions as (

    select
        stripe_subscription_id,
        stripe_invoice_id,
        customer_key,
        user_id,
        product_type,
        paid_at
    from {{ ref('int_payments') }}
    where
        stripe_subscription_id is not null
        and coalesce(dropped_reason, '') not in ('test', 'internal', 'undated')
        and reversal_kind is null

),

by_invoice as (

    select
        stripe_invoice_id,
        min(stripe_subscription_id) as stripe_subscription_id
    from subscriptions
    where stripe_invoice_id is not null
    group by stripe_invoice_id

),

of_customers as (

    select
        stripe_customer_id,
        stripe_subscription_id
    from payment_rows
    union
    select
        stripe_customer_id,
        stripe_subscription_id
    from {{ ref('stg_app__subscriptions') }}

),

-- The customer's only one.
by_customer as (

    select
        stripe_customer_id,
        min(stripe_subscription_id) as stripe_subscription_id
    from of_customers
    where stripe_customer_id is not null and stripe_subscription_id is not null
    group by stripe_customer_id
    having count(distinct of_customers.stripe_subscription_id) = 1

),

placed as (

    select
        failed.*,
        coalesce(by_invoice.stripe_subscription_id, by_customer.stripe_subscription_id) as stripe_subscription_id
    from failed
    left join by_invoice on failed.invoice_id = by_invoice.stripe_invoice_id
    left join by_customer on failed.customer_id = by_customer.stripe_customer_id

),

-- Of whom and of what the charge before it was, else the one after it.
nearest as (

    select
        placed.payment_id,
        subscriptions.customer_key,
        subscriptions.user_id,
        subscriptions.product_type,
        row_number() over (
            partition by placed.payment_id
            order by
                case when subscriptions.paid_at <= placed.created_at then 0 else 1 end nulls last,
                case when subscriptions.paid_at <= placed.created_at then subscriptions.paid_at end desc nulls last,
                subscriptions.paid_at nulls last,
                subscriptions.product_type nulls last
        ) as choice
    from placed
    inner join subscriptions on placed.stripe_subscription_id = subscriptions.stripe_subscription_id

),

final as (

    select
        placed.payment_id,
        placed.stripe_subscription_id,
        nearest.customer_key,
        nearest.user_id,
        nearest.product_type,
        placed.currency,
        placed.amount_cents,
        placed.created_at as failed_at
    from placed
    inner join nearest on placed.payment_id = nearest.payment_id and nearest.choice = 1

)

select * from final
