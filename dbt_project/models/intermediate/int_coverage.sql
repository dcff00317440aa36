-- One row per span of paid coverage, [covered_from_at, covered_until_at), with the MRR that it carries.
with build as (

    select * from {{ ref('core_build') }}

),

invoices as (

    select * from {{ ref('int_contract_mrr') }}

),

-- Charges that only repeat an invoice.
repeats as (

    select
        subscription_key,
        repeated_number as invoice_number,
        payment_key,
        amount_cents
    from {{ ref('int_billing_periods') }}
    where role = 'duplicate'

),

subscription_rows as (

    select * from {{ ref('stg_app__subscriptions') }}
    where not is_test

),

given_back as (

    select
        payment_key,
        sum(kept_cents) as amount_cents,
        max(given_back_at) as given_back_at,
        max(case when kind = 'chargeback' then given_back_at end) as charged_back_at
    from {{ ref('int_reversals') }}
    where kept_cents > 0 and payment_key is not null
    group by payment_key

),

-- Cut where the next proration or restart takes over.
taken_over as (

    select
        invoices.*,
        least(
            period_end_at,
            coalesce(
                min(case when role in ('restart', 'proration') then covered_from_at end) over (
                    partition by subscription_key order by invoice_number nulls last rows between 1 following and unbounded following
                ),
                period_end_at
            )
        ) as until_at,
        max(case when is_regular then invoice_number end) over (partition by subscription_key) as last_regular_number,
        max(invoice_number) over (partition by subscription_key) as last_number
    from invoices

),

subscriptions as (

    select
        subscription_key,
        max(whole_key) as whole_key,
        max(customer_key) as customer_key,
        max(user_id) as user_id,
        max(stripe_subscription_id) as stripe_subscription_id,
        -- Without a Stripe id a subscription is of one product.
        max(product_type) as product_type
    from invoices
    group by subscription_key

),

-- What the application last wrote of a subscription; nothing where another has overwritten it.
matched as (

    select
        subscriptions.subscription_key,
        subscription_rows.status,
        subscription_rows.is_cancelling
    from subscriptions
    inner join subscription_rows
        on subscriptions.stripe_subscription_id = subscription_rows.stripe_subscription_id

    union all

    select
        subscriptions.subscription_key,
        subscription_rows.status,
        subscription_rows.is_cancelling
    from subscriptions
    inner join subscription_rows
        on
            subscriptions.user_id = subscription_rows.user_id
            and subscriptions.product_type = subscription_rows.product_type
    where
        subscriptions.stripe_subscription_id is null
        and subscription_rows.stripe_subscription_id is null

),

statuses as (

    select
        subscription_key,
        coalesce(max(case when status = 'active' then status end), max(status)) as status,
        max(case when is_cancelling then 1 else 0 end) = 1 as is_cancelling
    from matched
    group by subscription_key

),

repeats_given_back as (

    select
        repeats.subscription_key,
        repeats.invoice_number,
        min(case when coalesce(given_back.amount_cents, 0) >= repeats.amount_cents then 1 else 0 end) = 1 as are_all_given_back,
        max(given_back.given_back_at) as given_back_at
    from repeats
    left join given_back on repeats.payment_key = given_back.payment_key
    group by repeats.subscription_key, repeats.invoice_number

),

-- The last regular invoice given back, with what was unused of its period then.
last_given_back as (

    select
        invoices.subscription_key,
        invoices.covered_from_at,
        invoices.period_end_at,
        invoices.amount_cents,
        given_back.amount_cents as given_back_cents,
        given_back.charged_back_at,
        coalesce(statuses.status, 'overwritten') = 'canceled' as is_canceled,
        greatest(given_back.given_back_at, coalesce(repeats_given_back.given_back_at, given_back.given_back_at)) as given_back_at,
        invoices.period_start_at
    from taken_over as invoices
    inner join given_back on invoices.payment_key = given_back.payment_key
    left join repeats_given_back
        on invoices.subscription_key = repeats_given_back.subscription_key and invoices.invoice_number = repeats_given_back.invoice_number
    left join statuses on invoices.subscription_key = statuses.subscription_key
    where
        invoices.invoice_number = invoices.last_regular_number
        and invoices.amount_cents > 0
        -- The refund of one of two charges ends nothing.
        and coalesce(repeats_given_back.are_all_given_back, true)

),

ended as (

    select
        last_given_back.subscription_key,
        last_given_back.covered_from_at as ends_from_at,
        last_given_back.given_back_at as ended_at,
        last_given_back.charged_back_at is not null as is_charged_back
    from last_given_back
    cross join build
    where
        last_given_back.given_back_at < last_given_back.period_end_at
        and (
            (
                last_given_back.given_back_cents >= last_given_back.amount_cents
                and (last_given_back.is_canceled or last_given_back.period_end_at <= build.as_of)
            )
            -- Given back for the unused part, within a tenth.
            or (
                last_given_back.is_canceled
                and 10 * abs(
                    {{ exact('last_given_back.given_back_cents') }} * {{ microseconds_between('last_given_back.period_start_at', 'last_given_back.period_end_at') }}
                    - {{ exact('last_given_back.amount_cents') }} * {{ microseconds_between('greatest(last_given_back.given_back_at, last_given_back.period_start_at)', 'last_given_back.period_end_at') }}
                )
                <= {{ exact('last_given_back.amount_cents') }} * {{ microseconds_between('greatest(last_given_back.given_back_at, last_given_back.period_start_at)', 'last_given_back.period_end_at') }}
            )
        )

),

not_given_back as (

    select
        taken_over.*,
        coalesce(statuses.status, 'overwritten') as status,
        coalesce(statuses.is_cancelling, false) as is_cancelling,
        coalesce(ended.is_charged_back, false) as is_charged_back,
        case
            when taken_over.covered_from_at >= ended.ends_from_at
                then least(taken_over.until_at, greatest(ended.ended_at, taken_over.covered_from_at))
            else taken_over.until_at
        end as kept_until_at
    from taken_over
    left join statuses on taken_over.subscription_key = statuses.subscription_key
    left join ended on taken_over.subscription_key = ended.subscription_key

),

reaches as (

    select
        subscription_key,
        max(whole_key) as whole_key,
        max(customer_key) as customer_key,
        max(status) as status,
        min(covered_from_at) as began_at,
        max(charged_at) as last_charged_at,
        max(kept_until_at) as until_at
    from not_given_back
    group by subscription_key

),

-- A newer subscription takes the place of an older one that is never paid again.
replacements as (

    select
        older.subscription_key,
        min(newer.began_at) as replaced_at
    from reaches as older
    inner join reaches as newer
        on
            older.customer_key = newer.customer_key
            and older.whole_key <> newer.whole_key
            and older.began_at < newer.began_at
            and older.last_charged_at <= newer.began_at
            and older.until_at <= newer.began_at + interval '35 days'
    where older.status <> 'active'
    group by older.subscription_key

),

final as (

    select
        spans.payment_key,
        spans.subscription_key,
        spans.customer_key,
        spans.stripe_subscription_id,
        spans.product_type,
        spans.currency,
        spans.role,
        spans.invoice_number = spans.last_number as is_last,
        spans.covered_from_at,
        least(spans.kept_until_at, coalesce(replacements.replaced_at, spans.kept_until_at)) as covered_until_at,
        spans.mrr_cents,
        spans.billed_currency,
        spans.billed_mrr_cents,
        spans.rhythm,
        spans.interval_months,
        spans.grace_hours,
        spans.status,
        spans.is_cancelling,
        spans.is_charged_back
    from not_given_back as spans
    left join replacements on spans.subscription_key = replacements.subscription_key

)

select * from final
where covered_from_at < covered_until_at and mrr_cents > 0
