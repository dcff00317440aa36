-- One row per month, customer, currency, product and rhythm with MRR at the month's last instant (at as_of while it runs).
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

),

history as (

    select * from {{ ref('int_subscription_history') }}
    where is_cancelling is not null

),

-- The last sync before an instant says which subscriptions were set to end; before the first nobody knows.
cancelling as (

    select
        months.month,
        history.stripe_subscription_id,
        history.user_id,
        history.product_type
    from history
    inner join months
        on
            history.seen_from_at < months.ends_at
            and (history.seen_until_at >= months.ends_at or history.seen_until_at is null)
    where history.is_cancelling
    group by months.month, history.stripe_subscription_id, history.user_id, history.product_type

),

first_seen as (

    select min(seen_from_at) as seen_from_at from history

),

covered as (

    select
        months.month,
        months.ends_at > first_seen.seen_from_at as is_known,
        coverage.customer_key,
        coverage.currency,
        coverage.product_type,
        coverage.rhythm,
        coverage.mrr_cents,
        coalesce(by_id.month, by_product.month) is not null as is_cancelling
    from coverage
    inner join months
        on coverage.covered_from_at < months.ends_at and coverage.covered_until_at >= months.ends_at
    cross join first_seen
    left join cancelling as by_id
        on months.month = by_id.month and coverage.stripe_subscription_id = by_id.stripe_subscription_id
    left join cancelling as by_product
        on
            months.month = by_product.month
            and coverage.stripe_subscription_id is null
            and by_product.stripe_subscription_id is null
            and coverage.customer_key = by_product.user_id
            and coverage.product_type = by_product.product_type

),

final as (

    select
        month,
        customer_key,
        currency,
        product_type,
        rhythm,
        cast(sum(mrr_cents) as bigint) as mrr_cents,
        cast(
            case when min(case when is_known then 1 else 0 end) = 1 then sum(case when is_cancelling then 0 else mrr_cents end) end as bigint
        ) as committed_mrr_cents
    from covered
    group by month, customer_key, currency, product_type, rhythm

)

select * from final
