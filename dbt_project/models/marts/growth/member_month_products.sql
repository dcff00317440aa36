-- One row per month, customer, currency and product with MRR at the month's last instant (at as_of while it runs).
with build as (

    select * from {{ ref('core_build') }}

),

months as (

    select
        dim_months.month,
        least(dim_months.ends_at, build.as_of + interval '1 microsecond') as ends_at
    from {{ ref('dim_months') }} as dim_months
    cross join build

),

coverage as (

    select * from {{ ref('int_coverage') }}
    where mrr_cents > 0

),

final as (

    select
        months.month,
        coverage.customer_key,
        coverage.currency,
        coverage.product_type,
        cast(sum(coverage.mrr_cents) as bigint) as mrr_cents
    from coverage
    inner join months
        on coverage.covered_from_at < months.ends_at and coverage.covered_until_at >= months.ends_at
    group by months.month, coverage.customer_key, coverage.currency, coverage.product_type

)

select * from final
