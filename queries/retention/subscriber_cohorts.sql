/*
grain: One row per segment, cohort month and period index.
title: Subscriber retention
description: >-
  Of the members who first had MRR in one month, the share who have it at the end of a later
  one (at as_of while that month runs). Who returns stays in the first cohort. Period 0 is the
  month of joining: who joins and leaves within it is not retained in it. A cell that has not
  begun is empty, not 0.
key: [segment, cohort_period, period_index]
drill_down: [retention/cohort_members, churn/memberships]
group_size: cohort_size
part_of: [[segment, period_index], [cohort_period, period_index]]
parameters:
  breakdown:
    type: choice
    choices: [none, product, first_product, acquisition, brand_style]
    default: none
    description: What splits a cohort into segments.
  since: {type: date, description: The first month is the one that holds this day.}
  until: {type: date, description: The last month is the one that holds this day.}
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: month, description: Month of first membership.}
  period_index: {unit: count, description: Months since.}
  cohort_size: {unit: count, description: Members who joined in the month.}
  at_risk_count: {unit: count, description: "Cohort size once month k has begun, else empty."}
  retained_count: {unit: count, description: Members of the cohort with MRR at the end of month k.}
  retention_rate: {unit: rate, of: at_risk_count, interval: [low, high], description: Retained / at risk.}
  is_complete: {unit: flag, description: Whether month k has ended by as_of.}
*/
{% set attribute = {
    "product": "dim_users.product",
    "first_product": "dim_customers.first_product",
    "acquisition": "dim_customers.acquisition",
    "brand_style": "dim_users.brand_style",
} %}
with cells as (
{% if breakdown == "none" %}
    select 'all' as segment, * from marts.subscriber_cohorts
{% else %}
    with members as (
        select
            dim_customers.customer_key,
            subscriber_cohort_month as cohort_period,
            coalesce({{ attribute[breakdown] }}, '(none)') as segment
        from marts.dim_customers
        left join marts.dim_users using (user_id)
        where subscriber_cohort_month is not null
    ),

    months as (
        select month, is_complete from marts.dim_months
        where month >= (select min(cohort_period) from members)
    ),

    sizes as (
        select segments.segment, months.month as cohort_period, count(customer_key) as cohort_size
        from months
        cross join (select distinct segment from members) as segments
        left join members
            on members.cohort_period = months.month and members.segment = segments.segment
        group by all
    ),

    retained as (
        select segment, members.cohort_period, month, count(distinct customer_key) as kept_count
        from marts.member_months
        inner join members using (customer_key)
        group by all
    ),

    counted as (
        select
            sizes.segment,
            sizes.cohort_period,
            date_diff('month', first.month, months.month) as period_index,
            sizes.cohort_period + period_index * interval 1 month as month,
            sizes.cohort_size
        from sizes, months, (select min(month) as month from months) as first
    )

    select
        counted.segment,
        counted.cohort_period,
        counted.period_index,
        counted.cohort_size,
        case when months.month is not null then counted.cohort_size end as at_risk_count,
        case when months.month is not null then coalesce(kept_count, 0) end as retained_count,
        retained_count / nullif(at_risk_count, 0) as retention_rate,
        coalesce(months.is_complete, false) as is_complete
    from counted
    left join months on counted.month = months.month
    left join retained
        on
            counted.segment = retained.segment
            and counted.cohort_period = retained.cohort_period
            and counted.month = retained.month
{% endif %}
)

select
    segment,
    cohort_period,
    period_index,
    cohort_size,
    at_risk_count,
    retained_count,
    retention_rate,
    is_complete
from cells
where
    ($since is null or cohort_period >= date_trunc('month', cast($since as date)))
    and ($until is null or cohort_period <= date_trunc('month', cast($until as date)))
order by segment, cohort_period, period_index
