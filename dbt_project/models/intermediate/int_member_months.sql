-- One row per month, customer and currency with MRR at the month's last instant (at as_of while it runs).
with build as (

    select * from {{ ref('core_build') }}

),

changes as (

    select * from {{ ref('int_mrr_changes') }}

),

bounds as (

    select
        {{ local_month('min(changes.changed_at)') }} as first_month,
        min(build.as_of_month) as last_month
    from changes
    cross join build

),

numbers as (

    {{ numbers_up_to('(select ' ~ months_between('first_month', 'last_month') ~ ' from bounds)') }}

),

months as (

    select
        {{ add_periods('bounds.first_month', 'numbers.n', 'month') }} as month,
        {{ day_start(add_periods('bounds.first_month', 'numbers.n + 1', 'month')) }} as ends_at
    from bounds
    cross join numbers

),

final as (

    select
        months.month,
        changes.customer_key,
        changes.currency,
        changes.mrr_cents,
        changes.billed_mrr_cents,
        {{ local_month('changes.member_since_at') }} as cohort_month
    from changes
    inner join months
        on
            changes.changed_at < months.ends_at
            and (changes.next_changed_at >= months.ends_at or changes.next_changed_at is null)
    where changes.mrr_cents > 0

)

select * from final
