-- One row per month: whether anything would tell of its refunds.
with build as (

    select * from {{ ref('core_build') }}

),

months as (

    select * from {{ ref('dim_months') }}

),

covered as (

    select
        cast(date_trunc('month', days.day) as date) as month,
        count(*) as covered_day_count
    from {{ ref('int_stripe_days') }} as days
    cross join build
    where days.day <= build.as_of_on
    group by 1

),

-- In either shape: rows of their own, or a status.
of_database as (

    select count(*) > 0 as has_refunds
    from {{ ref('int_payments') }}
    where
        coalesce(dropped_reason, '') not in ('test', 'internal')
        and ((reversal_kind = 'refund' and dropped_reason = 'refund') or (is_payment and status_refunded_at is not null))

),

counted as (

    select
        months.month,
        {{ days_between('months.month', 'least(months.next_month, ' ~ add_periods('build.as_of_on', '1', 'day') ~ ')') }} as day_count,
        coalesce(covered.covered_day_count, 0) as covered_day_count,
        of_database.has_refunds
    from months
    cross join build
    cross join of_database
    left join covered on months.month = covered.month

),

final as (

    select
        month,
        cast(day_count as bigint) as day_count,
        cast(covered_day_count as bigint) as covered_day_count,
        has_refunds or covered_day_count >= day_count as is_captured
    from counted

)

select * from final
