-- One row per month, currency and product whose revenue is not the sum of its payments, refunds and chargebacks.
with moved as (

    select
        month,
        currency,
        product_type,
        sum(gross_cents) as gross_cents,
        sum(refunded_cents) as refunded_cents,
        sum(chargeback_cents) as chargeback_cents,
        sum(case when kind = 'payment' then 1 else 0 end) as payment_count,
        count(distinct case when kind = 'payment' then customer_key end) as payer_count
    from {{ ref('payments') }}
    group by month, currency, product_type

)

select revenue.*
from {{ ref('revenue_by_month') }} as revenue
full outer join moved
    on
        revenue.month = moved.month
        and revenue.currency = moved.currency
        and revenue.product_type = moved.product_type
where
    revenue.month is null
    or revenue.gross_cents <> coalesce(moved.gross_cents, 0)
    or revenue.refunded_cents <> coalesce(moved.refunded_cents, 0)
    or revenue.chargeback_cents <> coalesce(moved.chargeback_cents, 0)
    or revenue.net_cents <> revenue.gross_cents - revenue.refunded_cents - revenue.chargeback_cents
    or revenue.payment_count <> coalesce(moved.payment_count, 0)
    or revenue.payer_count <> coalesce(moved.payer_count, 0)
