-- One row per span of paid coverage, [covered_from_at, covered_until_at), with the MRR that it carries.
with build as (

    select * from {{ ref('core_build') }}

),

invoices as (

    select * from {{ ref('int_invoices') }}

),

periods as (

    select * from {{ ref('int_coverage_periods') }}

),

stored_subscriptions as (

    select * from {{ ref('stg_app__subscriptions') }}
    where not is_test

),

refunds as (

    select
        payment_key,
        sum(amount_cents) as amount_cents,
        max(refunded_at) as refunded_at
    from {{ ref('int_refunds') }}
    group by payment_key

),

subscriptions as (

    select
        subscription_key,
        min(customer_key) as customer_key,
        min(user_id) as user_id,
        min(stripe_subscription_id) as stripe_subscription_id,
        min(product_type) as product_type,
        min(invoiced_at) as first_invoiced_at,
        max(invoiced_at) as last_invoiced_at
    from invoices
    group by subscription_key

),

-- What the application last wrote of a subscription; nothing where another has overwritten it.
matched_statuses as (

    select
        subscriptions.subscription_key,
        stored_subscriptions.status,
        stored_subscriptions.is_cancelling
    from subscriptions
    inner join stored_subscriptions
        on subscriptions.stripe_subscription_id = stored_subscriptions.stripe_subscription_id

    union all

    select
        subscriptions.subscription_key,
        stored_subscriptions.status,
        stored_subscriptions.is_cancelling
    from subscriptions
    inner join stored_subscriptions
        on
            subscriptions.user_id = stored_subscriptions.user_id
            and subscriptions.product_type = stored_subscriptions.product_type
    where
        subscriptions.stripe_subscription_id is null
        and stored_subscriptions.stripe_subscription_id is null

),

statuses as (

    select
        subscription_key,
        max(status) as status,
        max(case when is_cancelling then 1 else 0 end) = 1 as is_cancelling
    from matched_statuses
    group by subscription_key

),

-- An upgrade by cancel-and-create: the newer subscription takes the older one's place.
replacements as (

    select
        older.subscription_key,
        min(newer.first_invoiced_at) as replaced_at
    from subscriptions as older
    inner join subscriptions as newer
        on
            older.customer_key = newer.customer_key
            and older.first_invoiced_at < newer.first_invoiced_at
            and older.last_invoiced_at <= newer.first_invoiced_at
    left join statuses on older.subscription_key = statuses.subscription_key
    where coalesce(statuses.status, 'overwritten') <> 'active'
    group by older.subscription_key

),

ended_by_refund as (

    select
        periods.payment_key,
        refunds.refunded_at
    from periods
    cross join build
    inner join invoices on periods.payment_key = invoices.payment_key
    inner join refunds on periods.payment_key = refunds.payment_key
    left join statuses on periods.subscription_key = statuses.subscription_key
    where
        periods.is_last
        and invoices.amount_cents > 0
        and refunds.amount_cents >= invoices.amount_cents
        and (coalesce(statuses.status, 'overwritten') = 'canceled' or periods.period_end_at <= build.as_of)

),

cut as (

    select
        invoices.payment_key,
        invoices.subscription_key,
        invoices.customer_key,
        invoices.stripe_subscription_id,
        invoices.product_type,
        invoices.currency,
        periods.role,
        periods.is_last,
        periods.covered_from_at,
        least(
            periods.covered_until_at,
            coalesce(replacements.replaced_at, periods.covered_until_at),
            coalesce(ended_by_refund.refunded_at, periods.covered_until_at)
        ) as covered_until_at,
        {{ divide_cents('invoices.recurring_amount_cents', 'invoices.interval_months') }} as mrr_cents,
        {{ divide_cents('invoices.amount_cents', 'invoices.interval_months') }} as billed_mrr_cents,
        invoices.interval_months,
        coalesce(statuses.status, 'overwritten') as status,
        coalesce(statuses.is_cancelling, false) as is_cancelling
    from invoices
    inner join periods on invoices.payment_key = periods.payment_key
    left join replacements on invoices.subscription_key = replacements.subscription_key
    left join ended_by_refund on invoices.payment_key = ended_by_refund.payment_key
    left join statuses on invoices.subscription_key = statuses.subscription_key

),

final as (

    select * from cut
    where covered_from_at < covered_until_at

)

select * from final
