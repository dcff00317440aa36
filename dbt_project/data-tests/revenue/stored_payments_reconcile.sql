-- One row per currency in which the stored payment rows up to as_of are not gross revenue and dropped rows together.
with stored as (

    select
        payments.currency,
        -- Refunds are stored with either sign.
        sum(abs(payments.amount_cents)) as amount_cents,
        count(*) as row_count
    from {{ ref('stg_app__stripe_payments') }} as payments
    cross join {{ ref('core_build') }} as build
    where payments.paid_at <= build.as_of or payments.paid_at is null
    group by payments.currency

),

counted as (

    select
        currency,
        sum(amount_cents) as amount_cents,
        sum(row_count) as row_count
    from (
        select
            currency,
            gross_cents as amount_cents,
            payment_count as row_count
        from {{ ref('revenue_by_month') }}
        union all
        select
            currency,
            amount_cents,
            row_count
        from {{ ref('dropped_rows') }}
        -- What a refund claims beyond its payment is of a row that is dropped as a refund.
        where source_table = 'stripe_payments' and reason <> 'over_refund'
    ) as parts
    group by currency

)

select
    coalesce(stored.currency, counted.currency) as currency,
    stored.amount_cents as stored_cents,
    counted.amount_cents as counted_cents,
    stored.row_count as stored_rows,
    counted.row_count as counted_rows
from stored
full outer join counted on stored.currency = counted.currency
where
    coalesce(stored.amount_cents, 0) <> coalesce(counted.amount_cents, 0)
    or coalesce(stored.row_count, 0) <> coalesce(counted.row_count, 0)
