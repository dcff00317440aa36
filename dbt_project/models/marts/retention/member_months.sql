-- One row per customer, currency and month with MRR at its last instant: who is behind the cohorts and the closing MRR.
with member_months as (

    select * from {{ ref('int_member_months') }}

),

months as (

    select * from {{ ref('dim_months') }}

),

final as (

    select
        member_months.month,
        member_months.customer_key,
        member_months.currency,
        member_months.mrr_cents,
        member_months.billed_mrr_cents,
        member_months.cohort_month as cohort_period,
        {{ months_between('member_months.cohort_month', 'member_months.month') }} as period_index,
        months.is_complete
    from member_months
    inner join months on member_months.month = months.month

)

select * from final
