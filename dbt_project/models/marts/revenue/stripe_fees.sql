-- One row per month and currency of the account: what Stripe settled, its fees, and what is left.
with months as (

    select * from {{ ref('dim_months') }}

),

sums as (

    select
        month,
        currency,
        sum(charged_cents) as charged_cents,
        sum(returned_cents) as returned_cents,
        sum(fee_cents) as fee_cents,
        sum(case when category = 'charge' then 1 else 0 end) as charge_count
    from {{ ref('stripe_movements') }}
    group by month, currency

),

-- From the first month that an export tells of on, every currency has a row a month.
spine as (

    select
        months.month,
        months.is_complete,
        series.currency
    from months
    cross join (select distinct currency from sums) as series
    where months.month >= (select min(month) from sums)

    union

    select
        sums.month,
        true as is_complete,
        sums.currency
    from sums
    where sums.month < (select min(month) from months)

),

final as (

    select
        spine.month,
        spine.currency,
        cast(coalesce(sums.charged_cents, 0) as bigint) as charged_cents,
        cast(coalesce(sums.returned_cents, 0) as bigint) as returned_cents,
        cast(coalesce(sums.charged_cents, 0) - coalesce(sums.returned_cents, 0) as bigint) as settled_gross_cents,
        cast(coalesce(sums.fee_cents, 0) as bigint) as fee_cents,
        cast(coalesce(sums.charged_cents, 0) - coalesce(sums.returned_cents, 0) - coalesce(sums.fee_cents, 0) as bigint)
            as settled_net_cents,
        cast(coalesce(sums.charge_count, 0) as bigint) as charge_count,
        spine.is_complete
    from spine
    left join sums on spine.month = sums.month and spine.currency = sums.currency

)

select * from final
