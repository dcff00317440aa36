/*
grain: One row per segment, cohort period and period index that has begun, and one per segment and period index with the mean.
title: Subscriber retention
description: >-
  Of the members who first had MRR in one period, the share who have it at the end of a later
  one (at as_of while that period runs). Who returns stays in the first cohort. Period 0 is the
  period of joining: who joins and leaves within it is not retained in it. Mode "on" counts who
  has MRR at the end of period k, "on_or_after" at that of k or of any later one, so that its cells
  rise until everyone has come back and older cohorts had more time; "bracket" at that of any period
  of a bracket. The mean is weighted: all retained / all at risk, over the cohorts whose period has
  ended.
key: [segment, cohort_period, period_index, period_label]
group: [segment, cohort_period]
rows: [retention/cohort_members, churn/memberships]
carries: forward
people: cohort_size
part_of: [[segment], [cohort_period]]
refuse:
  - {when: {top: given, breakdown: none}, because: nothing is split}
  - {when: {mode: bracket, periods: given}, because: the brackets say which periods are shown}
parameters:
  grain: {type: choice, choices: [month, quarter, year], default: month, description: Length of a period.}
  mode:
    {type: choice, choices: ["on", on_or_after, bracket], default: "on", description: What counts as retained.}
  breakdown: {type: split, of: [dim_customers, dim_users], description: "What splits a cohort into segments, as it is now."}
  top: {type: integer, default: 20, minimum: 1, description: "How many segments to show, the largest; the others are (other)."}
  only: {type: segment, description: Take only the people of this segment.}
  without: {type: segment, description: Leave out the people of this segment.}
  brackets:
    type: ranges
    needs: {mode: bracket}
    default: 0,1-3,4-7,8-14
    description: Ranges of period indexes, e.g. 1-3,4-7,8-14.
  periods: {type: integer, minimum: 1, on_screen: 18, description: "How many periods to show, from 0; all without, but on a terminal."}
  since: {type: date, description: The first cohort is the period that holds this day.}
  until: {type: date, description: The last cohort is the period that holds this day.}
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: date, description: "First day of the period of first membership; empty for the mean."}
  period_index: {unit: count, description: "Periods since; of a bracket, its first."}
  period_label: {unit: text, description: "The index, or the bracket, as text."}
  cohort_size: {unit: count, description: "Members who joined in the period; of the mean, those it rests on."}
  at_risk_count: {unit: count, of: at_risk_count, description: Members of the cohort for whom period k has begun.}
  retained_count: {unit: count, of: at_risk_count, description: "Members of the cohort with MRR at the end of period k, as the mode reads it."}
  retention_rate: {unit: rate, of: at_risk_count, interval: [low, high], description: Retained / at risk.}
  previous_rate: {unit: rate, description: "Retained in period k / retained in the one before; empty for brackets and means."}
  is_complete: {unit: flag, description: "Whether the number can no longer change: period k has ended by as_of and, with on_or_after, everyone has come back."}
  is_in_mean: {unit: flag, description: Whether the mean of its period counts the cell.}
  is_mean: {unit: flag, description: Whether the row is the mean of a period.}
*/
{% import "retention/periods.jinja" as periods %}
{% import "retention/segments.jinja" as segments %}
{% set groups, least, cohort, window = "segment", "1", "grain", "calendar" %}
with build as (
    select as_of, as_of_on, as_of_month, complete_until_on from marts.build_info
),

starts as (
    select
        dim_customers.customer_key,
        {{ segments.value(breakdown, "dim_customers.customer_key") }} as segment,
        subscriber_cohort_month as started_on
    from marts.dim_customers
    left join marts.dim_users on dim_customers.user_id = dim_users.user_id
    where
        subscriber_cohort_month is not null
        {{ segments.keep(only, without, "dim_customers.customer_key") }}
),

{% include "retention/frame.jinja" %}

-- The last month of a period, or the running one.
returns as (
    select
        entrant,
        segment,
        cohort_no,
        {{ periods.number(grain, "month") }} - start_no as period_index,
        1 as event_count
    from (select distinct customer_key, month from marts.member_months)
    inner join entrants using (customer_key)
    cross join build
    where
        {{ periods.number(grain, "cast(month + interval 1 month as date)") }} > {{ periods.number(grain, "month") }}
        or month = as_of_month
),

{% include "retention/cells.jinja" %}
