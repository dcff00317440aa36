-- One row per month, currency and kind: the database's payments against Stripe's charges.
with build as (

    select * from {{ ref('core_build') }}

),

reconciled as (

    select * from {{ ref('stripe_reconciliation_rows') }}

),

final as (

    select
        month,
        currency,
        kind,
        cast(sum(row_count) as bigint) as row_count,
        cast(sum(database_cents) as bigint) as database_cents,
        cast(sum(stripe_cents) as bigint) as stripe_cents,
        cast(sum(difference_cents) as bigint) as difference_cents,
        max(case when {{ add_periods('month', '1', 'month') }} <= build.complete_until_on then 1 else 0 end) = 1 as is_complete
    from reconciled
    cross join build
    group by month, currency, kind

)

select * from final
