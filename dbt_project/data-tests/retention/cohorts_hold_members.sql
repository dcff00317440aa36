-- One row per month in which the cohorts do not hold every new member and every member, each exactly once.
with joined as (

    select
        subscriber_cohort_month as month,
        count(*) as joined_count
    from {{ ref('dim_customers') }}
    where subscriber_cohort_month is not null
    group by subscriber_cohort_month

),

retained as (

    select
        member_months.month,
        count(distinct member_months.customer_key) as retained_count
    from {{ ref('member_months') }} as member_months
    inner join {{ ref('dim_customers') }} as customers
        on
            member_months.customer_key = customers.customer_key
            and member_months.cohort_period = customers.subscriber_cohort_month
    group by member_months.month

)

select
    churn.month,
    churn.new_member_count,
    joined.joined_count,
    churn.closing_member_count,
    retained.retained_count
from {{ ref('churn_by_month') }} as churn
full outer join joined on churn.month = joined.month
full outer join retained on churn.month = retained.month
where
    coalesce(churn.new_member_count, -1) <> coalesce(joined.joined_count, 0)
    or coalesce(churn.closing_member_count, -1) <> coalesce(retained.retained_count, 0)
