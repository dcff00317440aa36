-- One row per month in which the subscriber cohorts do not hold every new member and every member, each exactly once.
with cohorts as (

    select
        {{ add_periods('cohort_period', 'period_index', 'month') }} as month,
        sum(case when period_index = 0 then cohort_size else 0 end) as joined_count,
        sum(retained_count) as retained_count
    from {{ ref('subscriber_cohorts') }}
    where at_risk_count is not null
    group by 1

)

select
    coalesce(churn.month, cohorts.month) as month,
    churn.new_member_count,
    cohorts.joined_count,
    churn.closing_member_count,
    cohorts.retained_count
from {{ ref('churn_by_month') }} as churn
full outer join cohorts on churn.month = cohorts.month
where
    coalesce(churn.new_member_count, -1) <> coalesce(cohorts.joined_count, -1)
    or coalesce(churn.closing_member_count, -1) <> coalesce(cohorts.retained_count, -1)
