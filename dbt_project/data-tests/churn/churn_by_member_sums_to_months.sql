-- One row per month in which the customers' churn events do not sum to churn_by_month.
with events as (

    select
        month,
        count(*) as churned_member_count,
        sum(case when kind = 'voluntary' then 1 else 0 end) as voluntary_count,
        sum(case when kind = 'involuntary' then 1 else 0 end) as involuntary_count,
        sum(case when is_in_grace then 1 else 0 end) as in_grace_count
    from {{ ref('churn_by_member') }}
    group by month

)

select churn.*
from {{ ref('churn_by_month') }} as churn
full outer join events on churn.month = events.month
where
    churn.month is null
    or churn.churned_member_count <> coalesce(events.churned_member_count, 0)
    or churn.voluntary_count <> coalesce(events.voluntary_count, 0)
    or churn.involuntary_count <> coalesce(events.involuntary_count, 0)
    or churn.in_grace_count <> coalesce(events.in_grace_count, 0)
