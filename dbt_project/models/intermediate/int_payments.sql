-- One row per stored payment row up to as_of: kept as its payment's one row, or dropped with a reason.
with payment_rows as (

    select * from {{ ref('int_payment_rows') }}

),

twins as (

    select * from {{ ref('int_payment_twins') }}

),

accounts as (

    select * from {{ ref('int_accounts') }}

),

subscriptions as (

    select
        stripe_subscription_id,
        min(product_type) as product_type
    from {{ ref('stg_app__subscriptions') }}
    where not is_test
    group by stripe_subscription_id

),

screened as (

    select
        payment_rows.*,
        coalesce(twins.payment_key, payment_rows.payment_key) as merged_key,
        case
            when payment_rows.is_test or accounts.exclusion = 'test' then 'test'
            when accounts.exclusion = 'internal' then 'internal'
            when payment_rows.role = 'unsettled' then 'unsettled'
            when payment_rows.paid_at is null then 'undated'
            when payment_rows.role in ('refund', 'chargeback') then 'refund'
        end as screened_reason
    from payment_rows
    left join twins on payment_rows.payment_row_id = twins.payment_row_id
    left join accounts on payment_rows.user_id = accounts.user_id

),

merged as (

    select
        screened.*,
        row_number() over (
            partition by merged_key, screened_reason
            order by amount_cents desc nulls last, case when status = 'paid' then 0 else 1 end nulls last, paid_at nulls last, stripe_payment_id nulls last, payment_row_id nulls last
        ) as choice,
        min(paid_at) over in_payment as first_paid_at,
        coalesce(max(case when status = 'paid' then product_type end) over in_payment, max(product_type) over in_payment)
            as merged_product_type,
        max(stripe_subscription_id) over in_payment as merged_subscription_id,
        max(case when payment_type = 'subscription' then 1 else 0 end) over in_payment = 1 as is_subscribed,
        min(case when status = 'refunded' then coalesce(updated_at, paid_at) end) over in_payment as status_refunded_at,
        min(case when status = 'disputed' then coalesce(updated_at, paid_at) end) over in_payment as status_disputed_at
    from screened
    window in_payment as (partition by merged_key, screened_reason)

),

read as (

    select
        payment_row_id,
        merged_key as payment_key,
        stripe_payment_id,
        stripe_invoice_id,
        user_id,
        customer_key,
        amount_cents,
        currency,
        status,
        reversal_kind,
        -- What is no payment speaks for itself.
        case when screened_reason is null then merged_subscription_id else stripe_subscription_id end as stripe_subscription_id,
        case when screened_reason is null then merged_product_type else product_type end as product_type,
        case when screened_reason is null then is_subscribed else coalesce(payment_type = 'subscription', false) end as is_subscribed,
        case when screened_reason is null then first_paid_at else paid_at end as paid_at,
        status_refunded_at,
        status_disputed_at,
        coalesce(
            screened_reason,
            case when choice > 1 then 'duplicate' when amount_cents = 0 then 'zero' end
        ) as dropped_reason,
        screened_reason is null and choice = 1 as is_payment
    from merged

),

-- What a subscription is paid for, now and then.
named as (

    select
        stripe_subscription_id,
        product_type,
        paid_at
    from read
    where is_payment and product_type is not null and stripe_subscription_id is not null

),

-- Rows without a product are of the one paid before, else of the one paid after.
nearest as (

    select
        nameless.payment_row_id,
        named.product_type,
        row_number() over (
            partition by nameless.payment_row_id
            order by
                case when named.paid_at <= nameless.paid_at then 0 else 1 end nulls last,
                case when named.paid_at <= nameless.paid_at then named.paid_at end desc nulls last,
                case when named.paid_at <= nameless.paid_at then named.product_type end desc nulls last,
                named.paid_at nulls last,
                named.product_type nulls last
        ) as choice
    from read as nameless
    inner join named on nameless.stripe_subscription_id = named.stripe_subscription_id
    where nameless.product_type is null

),

final as (

    select
        read.payment_row_id,
        read.payment_key,
        read.stripe_payment_id,
        read.stripe_invoice_id,
        read.stripe_subscription_id,
        read.user_id,
        read.customer_key,
        read.amount_cents,
        read.currency,
        coalesce(read.product_type, nearest.product_type, subscriptions.product_type, 'unknown') as product_type,
        read.is_subscribed,
        read.paid_at,
        read.reversal_kind,
        read.status_refunded_at,
        read.status_disputed_at,
        read.dropped_reason,
        read.is_payment
    from read
    left join nearest on read.payment_row_id = nearest.payment_row_id and nearest.choice = 1
    left join subscriptions on read.stripe_subscription_id = subscriptions.stripe_subscription_id

)

select * from final
