-- One row per month, customer and currency with MRR at the month's last instant (at as_of while it runs).
with changes as (

    select * from {{ ref('int_mrr_changes') }}

),

months as (

    select * from {{ ref('dim_months') }}

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
