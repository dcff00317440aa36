-- One row per customer and unbroken membership up to as_of: when it began, when it ended, and in which product.
with build as (

    select * from {{ ref('core_build') }}

),

coverage as (

    select * from {{ ref('int_coverage') }}

),

-- All currencies of a customer together: only whether anything covers matters here.
changes as (

    select
        customer_key,
        changed_at,
        sum(change_cents) as change_cents
    from {{ ref('int_mrr_changes') }}
    group by customer_key, changed_at

),

running as (

    select
        customer_key,
        changed_at,
        change_cents,
        sum(change_cents) over (partition by customer_key order by changed_at nulls last) as after_cents
    from changes

),

edges as (

    select
        customer_key,
        changed_at as began_at,
        after_cents > 0 as is_beginning,
        lead(changed_at) over (partition by customer_key order by changed_at nulls last) as ended_at
    from running
    where (after_cents = 0) <> (after_cents = change_cents)

),

spans as (

    select
        customer_key,
        began_at,
        ended_at
    from edges
    where is_beginning

),

final as (

    select
        spans.customer_key,
        spans.began_at,
        {{ local_date('spans.began_at') }} as began_on,
        spans.ended_at,
        {{ local_date('spans.ended_at') }} as ended_on,
        -- What was covered at the end, or at as_of.
        max(coverage.product_type) as product_type,
        max(coverage.interval_months) as interval_months
    from spans
    cross join build
    inner join coverage
        on
            spans.customer_key = coverage.customer_key
            and coverage.mrr_cents > 0
            and coverage.covered_from_at <= coalesce(spans.ended_at, build.as_of)
            and coverage.covered_until_at >= coalesce(spans.ended_at, build.as_of + interval '1 microsecond')
    group by spans.customer_key, spans.began_at, spans.ended_at

)

select * from final
