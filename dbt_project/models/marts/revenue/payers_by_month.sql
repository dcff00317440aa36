-- One row per month and currency: net revenue and what it comes to per payer.
with revenue as (

    select
        month,
        currency,
        is_complete,
        sum(net_cents) as net_cents
    from {{ ref('revenue_by_month') }}
    group by month, currency, is_complete

),

payers as (

    select
        month,
        currency,
        count(distinct customer_key) as payer_count
    from {{ ref('payments') }}
    where kind = 'payment'
    group by month, currency

),

final as (

    select
        revenue.month,
        revenue.currency,
        cast(revenue.net_cents as bigint) as net_cents,
        cast(coalesce(payers.payer_count, 0) as bigint) as payer_count,
        {{ divide_cents('revenue.net_cents', 'payers.payer_count') }} as arppu_cents,
        revenue.is_complete
    from revenue
    left join payers on revenue.month = payers.month and revenue.currency = payers.currency

)

select * from final
