-- One row per payment of a recurring product, in order within its subscription, with what it renews for.
with payments as (

    select * from {{ ref('int_payments') }}
    where is_payment

),

stored_payments as (

    select * from {{ ref('stg_app__stripe_payments') }}
    where not is_test and {{ payment_role('payment_type', 'status') }} = 'received'

),

subscriptions as (

    select * from {{ ref('stg_app__subscriptions') }}
    where not is_test

),

prices as (

    select * from {{ ref('core_products') }}
    where is_recurring

),

products as (

    select
        product_type,
        max(interval_months) as interval_months
    from prices
    group by product_type

),

recurring as (

    select
        payments.payment_key,
        payments.customer_key,
        payments.user_id,
        payments.stripe_subscription_id,
        coalesce(
            payments.stripe_subscription_id,
            'none:' || payments.customer_key || ':' || payments.product_type
        ) as subscription_key,
        payments.product_type,
        payments.currency,
        payments.amount_cents,
        payments.paid_at as invoiced_at,
        products.interval_months as default_interval_months
    from payments
    inner join products on payments.product_type = products.product_type

),

-- The current period is an attribute, taken as it is now: an invoice after as_of may have begun it.
period_starts as (

    select
        stripe_subscription_id,
        product_type,
        invoiced_at
    from recurring

    union all

    select
        stripe_subscription_id,
        product_type,
        paid_at as invoiced_at
    from stored_payments

),

-- The length of a subscription's current period, for the product whose invoice began it.
known_intervals as (

    select
        period_starts.stripe_subscription_id as subscription_key,
        period_starts.product_type,
        max(greatest(1, cast(round(
            extract(epoch from (subscriptions.current_period_end_at - subscriptions.current_period_start_at)) / 2629800.0
        ) as bigint))) as interval_months
    from period_starts
    inner join subscriptions
        on period_starts.stripe_subscription_id = subscriptions.stripe_subscription_id
    where
        period_starts.invoiced_at between subscriptions.current_period_start_at - interval '3 days'
        and subscriptions.current_period_start_at + interval '3 days'
        and subscriptions.current_period_end_at > subscriptions.current_period_start_at
    group by period_starts.stripe_subscription_id, period_starts.product_type

),

ordered as (

    select
        recurring.*,
        coalesce(known_intervals.interval_months, recurring.default_interval_months) as interval_months,
        row_number() over in_subscription as invoice_number,
        row_number() over in_product as product_number,
        lag(recurring.amount_cents) over in_product as previous_amount_cents,
        lead(recurring.amount_cents) over in_product as next_amount_cents,
        lag(recurring.currency) over in_product as previous_currency,
        lead(recurring.currency) over in_product as next_currency,
        min(case when recurring.amount_cents > 0 then recurring.invoiced_at end)
            over (partition by recurring.customer_key) as first_charged_at
    from recurring
    left join known_intervals
        on
            recurring.subscription_key = known_intervals.subscription_key
            and recurring.product_type = known_intervals.product_type
    window
        in_subscription as (partition by recurring.subscription_key order by recurring.invoiced_at, recurring.payment_key),
        in_product as (
            partition by recurring.subscription_key, recurring.product_type
            order by recurring.invoiced_at, recurring.payment_key
        )

),

charged_later as (

    select
        ordered.*,
        min(case when amount_cents > 0 then product_number end) over (
            partition by subscription_key, product_type, currency order by product_number
            rows between 1 following and unbounded following
        ) as next_charged_number,
        max(case when amount_cents > 0 then product_number end) over (
            partition by subscription_key, product_type, currency order by product_number
            rows between unbounded preceding and 1 preceding
        ) as last_charged_number
    from ordered

),

prices_in_force as (

    select
        charged_later.payment_key,
        max(prices.price_cents) * max(charged_later.interval_months) as list_amount_cents,
        max(case when prices.price_cents * charged_later.interval_months = charged_later.amount_cents then 1 else 0 end) = 1
            as is_list_amount
    from charged_later
    inner join prices
        on
            charged_later.product_type = prices.product_type
            and cast(charged_later.invoiced_at as date) >= prices.valid_from_on
            and cast(charged_later.invoiced_at as date) < prices.valid_until_on
    where charged_later.currency = 'usd'
    group by charged_later.payment_key

),

final as (

    select
        charged_later.payment_key,
        charged_later.customer_key,
        charged_later.user_id,
        charged_later.stripe_subscription_id,
        charged_later.subscription_key,
        charged_later.invoice_number,
        charged_later.product_type,
        charged_later.currency,
        charged_later.invoiced_at,
        charged_later.interval_months,
        charged_later.amount_cents,
        case
            -- Nobody is a member before the first charge, nor ever without one.
            when charged_later.first_charged_at is null or charged_later.invoiced_at < charged_later.first_charged_at then 0
            when
                charged_later.amount_cents > 0
                and (
                    (charged_later.amount_cents = charged_later.previous_amount_cents and charged_later.currency = charged_later.previous_currency)
                    or (charged_later.amount_cents = charged_later.next_amount_cents and charged_later.currency = charged_later.next_currency)
                    or coalesce(prices_in_force.is_list_amount, false)
                )
                then charged_later.amount_cents
            when next_charged.amount_cents is not null then next_charged.amount_cents
            when charged_later.amount_cents = 0 or charged_later.amount_cents > prices_in_force.list_amount_cents
                then coalesce(prices_in_force.list_amount_cents, last_charged.amount_cents, 0)
            else charged_later.amount_cents
        end as recurring_amount_cents
    from charged_later
    left join charged_later as next_charged
        on
            charged_later.subscription_key = next_charged.subscription_key
            and charged_later.product_type = next_charged.product_type
            and charged_later.next_charged_number = next_charged.product_number
    left join charged_later as last_charged
        on
            charged_later.subscription_key = last_charged.subscription_key
            and charged_later.product_type = last_charged.product_type
            and charged_later.last_charged_number = last_charged.product_number
    left join prices_in_force on charged_later.payment_key = prices_in_force.payment_key

)

select * from final
