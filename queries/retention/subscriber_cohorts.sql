/*
grain: One row per segment, cohort month and period index.
title: Subscriber retention
description: >-
  Of the members who first had MRR in one month, the share who have it at the end of a later
  one (at as_of while that month runs). Who returns stays in the first cohort. Period 0 is the
  month of joining: who joins and leaves within it is not retained in it. Mode "on" counts who
  has MRR at the end of month k, "on_or_after" at that of month k or of any later one, "bracket" at
  that of any month of a bracket. A cell that has not begun is empty, not 0.
key: [segment, cohort_period, period_index, period_label]
rows: [retention/cohort_members, churn/memberships]
carries: forward
people: cohort_size
part_of: [[segment, period_index, period_label], [cohort_period, period_index, period_label]]
parameters:
  mode:
    {type: choice, choices: ["on", on_or_after, bracket], default: "on", description: What counts as retained.}
  breakdown:
    type: choice
    choices: [none, product, first_product, acquisition, brand_style]
    default: none
    description: What splits a cohort into segments.
  brackets:
    type: ranges
    needs: {mode: bracket}
    default: 0,1-3,4-7,8-14
    description: Ranges of period indexes, e.g. 1-3,4-7,8-14.
  since: {type: date, description: The first month is the one that holds this day.}
  until: {type: date, description: The last month is the one that holds this day.}
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: month, description: Month of first membership.}
  period_index: {unit: count, description: "Months since; of a bracket, its first."}
  period_label: {unit: text, description: "The index, or the bracket, as text."}
  cohort_size: {unit: count, description: Members who joined in the month.}
  at_risk_count: {unit: count, description: "Cohort size once month k has begun, else empty."}
  retained_count: {unit: count, description: "Members of the cohort with MRR at the end of month k, as the mode reads it."}
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
{% if mode == "on" and breakdown == "none" %}
    select *, 'all' as segment, cast(period_index as varchar) as period_label
    from marts.subscriber_cohorts
{% else %}
    with members as (
        select
            dim_customers.customer_key,
            subscriber_cohort_month as cohort_period,
            {% if breakdown == "none" %}'all'{% else %}coalesce({{ attribute[breakdown] }}, '(none)'){% endif %}
                as segment
        from marts.dim_customers
        left join marts.dim_users using (user_id)
        where subscriber_cohort_month is not null
    ),

    months as (
        select
            month,
            is_complete,
            date_diff('month', min(month) over (), month) as position
        from marts.dim_months
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

    spans as (
    {% if mode == "bracket" %}
{% include "retention/brackets.jinja" +%}
    {% else %}
        select
            cast(position as varchar) as period_label,
            position as first_index,
            position as last_index
        from months
    {% endif %}
    ),

    kept as (
        select
            segment,
            members.cohort_period,
            period_label,
            count(distinct customer_key) as kept_count
        from marts.member_months
        inner join members using (customer_key)
        inner join spans
            on period_index >= first_index {% if mode != "on_or_after" %}and period_index <= last_index{% endif %}

        group by all
    )

    select
        segment,
        cohort_period,
        first_index as period_index,
        period_label,
        cohort_size,
        case when begun.month is not null then cohort_size end as at_risk_count,
        case when begun.month is not null then coalesce(kept_count, 0) end as retained_count,
        retained_count / nullif(at_risk_count, 0) as retention_rate,
        coalesce(ended.is_complete, false) as is_complete
    from sizes
    cross join spans
    left join months as begun on begun.month = cohort_period + first_index * interval 1 month
    left join months as ended on ended.month = cohort_period + last_index * interval 1 month
    left join kept using (segment, cohort_period, period_label)
{% endif %}
)

select
    segment,
    cohort_period,
    period_index,
    period_label,
    cohort_size,
    at_risk_count,
    retained_count,
    retention_rate,
    is_complete
from cells
where
    ($since is null or cohort_period >= date_trunc('month', cast($since as date)))
    and ($until is null or cohort_period <= date_trunc('month', cast($until as date)))
order by segment, cohort_period, period_index, period_label
