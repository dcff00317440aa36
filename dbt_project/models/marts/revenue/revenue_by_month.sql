-- One row per month, currency and product: money received and given back, by the day that it moved.
with months as (

    select * from {{ ref('dim_months') }}

),

payments as (

    select * from {{ ref('int_payments') }}
    where is_payment and amount_cents > 0

),

reversals as (

    select * from {{ ref('int_reversals') }}
    where amount_cents <> 0

),

received as (

    select
        {{ local_month('paid_at') }} as month,
        currency,
        product_type,
        sum(amount_cents) as gross_cents,
        count(*) as payment_count,
        count(distinct customer_key) as payer_count
    from payments
    group by 1, 2, 3

),

returned as (

    select
        {{ local_month('given_back_at') }} as month,
        currency,
        product_type,
        sum(case when kind = 'refund' then amount_cents else 0 end) as refunded_cents,
        sum(case when kind = 'chargeback' then amount_cents else 0 end) as chargeback_cents,
        sum(case when kind = 'refund' and amount_cents > 0 then 1 else 0 end) as refund_count,
        sum(case when kind = 'chargeback' and amount_cents > 0 then 1 else 0 end) as chargeback_count
    from reversals
    group by 1, 2, 3

),

-- From the first payment's month on, every currency and product has a row a month.
series as (

    select
        currency,
        product_type
    from received
    union
    select
        currency,
        product_type
    from returned

),

spine as (

    select
        months.month,
        months.is_complete,
        series.currency,
        series.product_type
    from months
    cross join series
    where months.month >= (select min(month) from (select month from received union all select month from returned) as moved)

),

final as (

    select
        spine.month,
        spine.currency,
        spine.product_type,
        cast(coalesce(received.gross_cents, 0) as bigint) as gross_cents,
        cast(coalesce(returned.refunded_cents, 0) as bigint) as refunded_cents,
        cast(coalesce(returned.chargeback_cents, 0) as bigint) as chargeback_cents,
        cast(
            coalesce(received.gross_cents, 0) - coalesce(returned.refunded_cents, 0) - coalesce(returned.chargeback_cents, 0) as bigint
        ) as net_cents,
        cast(coalesce(received.payment_count, 0) as bigint) as payment_count,
        cast(coalesce(received.payer_count, 0) as bigint) as payer_count,
        cast(coalesce(returned.refund_count, 0) as bigint) as refund_count,
        cast(coalesce(returned.chargeback_count, 0) as bigint) as chargeback_count,
        spine.is_complete
    from spine
    left join received
        on spine.month = received.month and spine.currency = received.currency and spine.product_type = received.product_type
    left join returned
        on spine.month = returned.month and spine.currency = returned.currency and spine.product_type = returned.product_type

)

select * from final
