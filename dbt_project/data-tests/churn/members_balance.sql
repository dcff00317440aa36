-- One row per month whose member counts do not balance, do not follow the month before, or are not those of the members.
with members as (

    select
        month,
        count(distinct customer_key) as member_count
    from {{ ref('member_months') }}
    group by month

),

churn as (

    select
        churn_by_month.*,
        lag(closing_member_count, 1, 0) over (order by month nulls last) as previous_closing_member_count
    from {{ ref('churn_by_month') }} as churn_by_month

)

select churn.*
from churn
full outer join members on churn.month = members.month
where
    churn.month is null
    or churn.closing_member_count <> coalesce(members.member_count, 0)
    or churn.closing_member_count
    <> churn.opening_member_count + churn.new_member_count + churn.reactivated_count - churn.churned_member_count
    or churn.opening_member_count <> churn.previous_closing_member_count
    or churn.churned_member_count <> churn.voluntary_count + churn.involuntary_count + churn.unknown_count
    or churn.opening_churned_count > churn.opening_member_count
    or churn.in_grace_count > churn.churned_member_count
