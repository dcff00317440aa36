-- One row per payment, up to as_of, of a product or at an amount that the price list does not know.
with build as (

    select * from {{ ref('core_build') }}

),

prices as (

    select * from {{ ref('core_products') }}

),

listed as (

    select distinct product_type from prices

),

payments as (

    select * from {{ ref('int_payments') }}
    where is_payment and amount_cents > 0

),

invoices as (

    select * from {{ ref('int_contract_mrr') }}

),

-- Prices of the product, currency and, of a membership, rhythm; a whole number of them is a price.
judged as (

    select
        payments.payment_key,
        payments.customer_key,
        payments.product_type,
        payments.currency,
        payments.amount_cents,
        payments.paid_at,
        max(case when listed.product_type is null then 1 else 0 end) = 1 as is_unlisted,
        -- A proration is a part of a price.
        max(case when invoices.role = 'proration' or mod(payments.amount_cents, prices.price_cents) = 0 then 1 else 0 end) = 1 as is_price
    from payments
    left join listed on payments.product_type = listed.product_type
    left join invoices on payments.payment_key = invoices.payment_key
    left join prices
        on
            payments.product_type = prices.product_type
            and payments.currency = prices.currency
            and cast(payments.paid_at as date) >= prices.valid_from_on
            and cast(payments.paid_at as date) < prices.valid_until_on
            and (
                not prices.is_recurring
                or invoices.payment_key is null
                or prices.interval_months = case when invoices.rhythm in ('28 days', '30 days') then 1 else invoices.interval_months end
            )
    group by payments.payment_key, payments.customer_key, payments.product_type, payments.currency, payments.amount_cents, payments.paid_at

),

members as (

    select distinct coverage.payment_key
    from {{ ref('int_coverage') }} as coverage
    cross join build
    where coverage.covered_from_at <= build.as_of and coverage.covered_until_at > build.as_of

),

final as (

    select
        judged.payment_key,
        judged.customer_key,
        judged.product_type,
        judged.currency,
        cast(judged.amount_cents as bigint) as amount_cents,
        cast(case when judged.is_unlisted then 'unlisted product' else 'amount off the list' end as {{ dbt.type_string() }}) as reason,
        {{ local_date('judged.paid_at') }} as paid_on,
        members.payment_key is not null as is_covering
    from judged
    left join members on judged.payment_key = members.payment_key
    where judged.is_unlisted or not judged.is_price

)

select * from final
