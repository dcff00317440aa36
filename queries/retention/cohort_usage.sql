/*
grain: One row per segment, cohort period and period index that has begun, and one per segment and period index with the mean.
title: Usage per cohort
description: >-
  What the users who started in one period did in each later one: how many were active, how often,
  and how many credits they used, in it and up to its end. What happened before the period of the
  start is left out. The mean is weighted: all use / all users, over the cohorts whose period has
  ended.
interface: cohorts
rows: [engagement/activity_by_user, credits/credit_entries]
carries: forward
people: cohort_size
group: [segment, cohort_period]
identities: [active_count <= cohort_size]
parameters:
  breakdown: {type: split, of: [dim_users, dim_customers], description: "What splits a cohort into segments, as it is now."}
  grain:
    type: choice
    choices: [day, week, two_weeks, month, quarter, year]
    default: month
    description: Length of a period.
  start:
    type: choice
    choices: [signup, first_payment, first_subscription, first_activity]
    default: signup
    description: What puts a user into a cohort.
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: date, description: "First day of the period in which the users started; empty for the mean."}
  period_index: {unit: count, description: Periods since the start.}
  cohort_size: {unit: count, adds_up_to: "{start} {cohort_period} {cohort_period:last {grain}}{only}{without}", description: "Users who started in the period; of the mean, those it rests on."}
  active_count: {unit: count, of: cohort_size, adds_up_to: "{start} {cohort_period} {cohort_period:last {grain}} came back {period_index} on calendar any 1 grain{only}{without}", description: "Of these, who were active in period k."}
  active_rate: {unit: rate, of: cohort_size, description: Active / users of the cohort.}
  event_count: {unit: count, description: How often they did something in period k.}
  used_credits: {unit: credits, description: "Credits that they used in period k, by the ledger."}
  cumulative_used_credits: {unit: credits, description: The same from period 0 to the end of period k.}
  used_credits_per_person: {unit: number, description: "Credits used in period k / users of the cohort."}
  is_complete: {unit: flag, description: Whether period k has ended by as_of.}
  is_in_mean: {unit: flag, description: Whether the mean of its period counts the cell.}
  is_mean: {unit: flag, description: Whether the row is the mean of a period.}
*/
{% import "retention/periods.jinja" as periods %}
{% import "retention/segments.jinja" as segments %}
{% set groups, cohort, window, mode = "segment", "grain", "calendar", "on" %}
with build as (
    select as_of, as_of_on, complete_until_on, first_week_on from marts.build_info
),

starts as (
    select
        dim_users.user_id,
        {{ segments.value(breakdown, "dim_users.customer_key") }} as segment,
        dim_users.{{ "signed_up" if start == "signup" else start }}_on as started_on
    from marts.dim_users
    left join marts.dim_customers on dim_users.customer_key = dim_customers.customer_key
    where
        started_on is not null
        {{ segments.keep(only, without, "dim_users.customer_key") }}
),

{% include "retention/frame.jinja" %}

-- Grouped before the join, which then meets each user once a period.
used as (
    select
        user_id,
        {{ periods.number(grain, "activity_on") }} as period_no,
        count(*) as event_count,
        0 as used_credits
    from marts.fct_activity, build
    group by all
    union all
    select
        user_id,
        {{ periods.number(grain, "transacted_on") }} as period_no,
        0 as event_count,
        -sum(credits) as used_credits
    from marts.credit_entries, build
    where kind = 'used'
    group by all
),

totals as (
    select
        segment,
        cohort_no,
        period_no - start_no as first_index,
        count(*) filter (event_count > 0) as active_count,
        sum(event_count) as event_count,
        sum(used_credits) as used_credits
    from used
    inner join entrants using (user_id)
    where period_no >= start_no
    group by all
),

cells as (
    select
        segment,
        cohort_period,
        first_index as period_index,
        cohort_size,
        coalesce(active_count, 0) as active_count,
        coalesce(event_count, 0) as event_count,
        coalesce(used_credits, 0) as used_credits,
        sum(coalesce(used_credits, 0)) over (
            partition by segment, cohort_no order by first_index
        ) as cumulative_used_credits,
        has_ended as is_complete,
        has_ended and cohort_size > 0 as is_in_mean
    from frame
    left join totals using (segment, cohort_no, first_index)
),

means as (
    select
        segment,
        null as cohort_period,
        period_index,
        sum(cohort_size) as cohort_size,
        sum(active_count) as active_count,
        sum(event_count) as event_count,
        sum(used_credits) as used_credits,
        sum(cumulative_used_credits) as cumulative_used_credits,
        true as is_complete,
        null as is_in_mean,
        true as is_mean
    from cells
    where is_in_mean
    group by all
),

final as (
    select
        *,
        active_count / nullif(cohort_size, 0) as active_rate,
        used_credits / nullif(cohort_size, 0) as used_credits_per_person
    from (
        select *, false as is_mean from cells
        union all by name
        select * from means
    )
)

select * from final
order by segment, is_mean, cohort_period, period_index
