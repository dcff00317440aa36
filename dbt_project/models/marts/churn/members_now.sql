-- One row per customer and currency: every member at as_of, and those who lapsed within the grace days.
with build as (

    select * from {{ ref('core_build') }}

),

changes as (

    select * from {{ ref('int_mrr_changes') }}

),

coverage as (

    select * from {{ ref('int_coverage') }}

),

latest as (

    select * from changes
    where next_changed_at is null and (mrr_cents > 0 or is_in_grace)

),

running as (

    select
        coverage.customer_key,
        coverage.currency,
        max(coverage.covered_until_at) as paid_until_at,
        min(case when coverage.is_cancelling or coverage.status = 'canceled' then 1 else 0 end) = 1 as is_cancelling
    from coverage
    cross join build
    where coverage.mrr_cents > 0 and coverage.covered_until_at > build.as_of
    group by coverage.customer_key, coverage.currency

),

final as (

    select
        latest.customer_key,
        latest.currency,
        {{ local_date('latest.member_since_at') }} as member_since_on,
        {{ local_date('coalesce(running.paid_until_at, latest.changed_at)') }} as paid_until_on,
        cast({{ days_between('build.as_of_on', local_date('coalesce(running.paid_until_at, latest.changed_at)')) }} as bigint) as days_left,
        -- What a late renewal would take back, of those in grace.
        case when latest.is_in_grace then latest.previous_mrr_cents else latest.mrr_cents end as mrr_cents,
        case
            when latest.is_in_grace then 'in_grace'
            when running.is_cancelling then 'cancelling'
            else 'active'
        end as state
    from latest
    cross join build
    left join running on latest.customer_key = running.customer_key and latest.currency = running.currency

)

select * from final
