/*
grain: One row per segment, cohort period and period index that has begun, and one per segment and period index with the mean.
title: Activity retention
description: >-
  Of the users who started in one period, the share who came back in a later one. The start is
  signup, first payment (of any kind, above 0, refunded or not), first subscription or first
  activity; the return is any activity, or one feature. Periods are calendar periods of the
  reporting zone, weeks from the weekday that the setting week_start names; period 0 is the whole period of the start, what happened
  before the start's instant included. With window "rolling" they are spans of 24 hours (of 7 or 14
  days) from the start's instant. Mode "on" counts who was active in period k, "on_or_after" who was
  active in period k or any later one up to as_of, so that its cells rise until everyone has come
  back and older cohorts had more time; "bracket" who was active in a bracket of periods. Everyone
  is in one cohort, except with start "each_activity", where every period with activity is a start.
  The mean is weighted: all who came back / all at risk, over the cohorts whose period has ended.
key: [segment, cohort_period, period_index, period_label]
group: [segment, cohort_period]
rows: [retention/activity_cohort_members, engagement/activity_by_user]
carries: period
people: cohort_size
part_of: [[segment], [cohort_period]]
refuse:
  - {when: {top: given, breakdown: none}, because: nothing is split}
  - {when: {window: rolling, grain: [month, quarter, year]}, because: these periods are not equally long}
  - {when: {cohort: week, grain: [two_weeks, month, quarter, year]}, because: a cohort cannot be shorter than a period}
  - {when: {cohort: month, grain: [quarter, year]}, because: a cohort cannot be shorter than a period}
  - {when: {cohort: quarter, grain: year}, because: a cohort cannot be shorter than a period}
  - {when: {mode: bracket, periods: given}, because: the brackets say which periods are shown}
parameters:
  grain:
    type: choice
    choices: [day, week, two_weeks, month, quarter, year]
    default: month
    description: Length of a period.
  cohort:
    type: choice
    choices: [grain, week, month, quarter]
    default: grain
    description: "Whom a cohort puts together, where that is not one period: all who started in the same week, month or quarter; each person's periods count from their own."
  window:
    type: choice
    choices: [calendar, rolling]
    default: calendar
    description: Whether a period is a calendar one or counts from the start's instant.
  mode:
    {type: choice, choices: ["on", on_or_after, bracket], default: "on", description: What counts as retained.}
  start:
    type: choice
    choices: [signup, first_payment, first_subscription, first_activity, each_activity]
    default: signup
    description: What puts a user into a cohort.
  return:
    type: choice
    choices: [any, image, photoshoot, video, training, chat, feed, academy, brand, feedback]
    default: any
    description: What counts as coming back.
  at_least: {type: integer, default: 1, minimum: 1, description: How often somebody must be active in a period (a bracket) to count.}
  breakdown: {type: split, of: [dim_users, dim_customers], description: "What splits a cohort into segments, as it is now."}
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
  cohort_period: {unit: date, description: "First day of the period in which the users started; empty for the mean."}
  period_index: {unit: count, description: "Periods since the start; of a bracket, its first."}
  period_label: {unit: text, description: "The index, or the bracket, as text."}
  cohort_size: {unit: count, description: "Users who started in the period; of the mean, those it rests on."}
  at_risk_count: {unit: count, of: at_risk_count, description: Users of the cohort for whom period k has begun.}
  retained_count: {unit: count, of: at_risk_count, description: Users of the cohort who came back in period k.}
  retention_rate: {unit: rate, of: at_risk_count, interval: [low, high], description: Retained / at risk.}
  previous_rate: {unit: rate, description: "Retained in period k / retained in the one before; empty for brackets and means."}
  is_complete: {unit: flag, description: "Whether the number can no longer change: period k has ended by as_of and, with on_or_after, everyone has come back."}
  is_in_mean: {unit: flag, description: Whether the mean of its period counts the cell.}
  is_mean: {unit: flag, description: Whether the row is the mean of a period.}
*/
{% import "retention/periods.jinja" as periods %}
{% import "retention/segments.jinja" as segments %}
{% set groups, least = "segment", "$at_least" %}
with build as (
    select as_of, as_of_on, complete_until_on, first_week_on from marts.build_info
),

starts as (
{% if start == "each_activity" %}
    select
        dim_users.user_id,
        any_value({{ segments.value(breakdown, "dim_users.customer_key") }}) as segment,
        min(activity_on) as started_on,
        min(activity_at) as started_at
    from marts.fct_activity
    inner join marts.dim_users on fct_activity.user_id = dim_users.user_id
    left join marts.dim_customers on dim_users.customer_key = dim_customers.customer_key
    cross join build
    where true {{ segments.keep(only, without, "dim_users.customer_key") }}
    group by dim_users.user_id, {{ periods.number(grain if cohort == "grain" else cohort, "activity_on") }}
{% else %}
    {% set start_name = "signed_up" if start == "signup" else start %}
    select
        dim_users.user_id,
        {{ segments.value(breakdown, "dim_users.customer_key") }} as segment,
        dim_users.{{ start_name }}_on as started_on,
        dim_users.{{ start_name }}_at as started_at
    from marts.dim_users
    left join marts.dim_customers on dim_users.customer_key = dim_customers.customer_key
    where
        dim_users.{{ start_name }}_on is not null
        {{ segments.keep(only, without, "dim_users.customer_key") }}
{% endif %}
),

{% include "retention/frame.jinja" %}

{% set matches = "feature = $return" if return != "any" else "true" %}
{% if window == "rolling" %}
returns as (
    select
        entrant,
        segment,
        cohort_no,
        date_diff('microsecond', started_at, activity_at) // {{ periods.length(grain) }} as period_index,
        count(*) as event_count
    from marts.fct_activity
    inner join entrants using (user_id)
    where {{ matches }} and activity_at >= started_at
    group by all
),

{% else %}
-- Grouped before the join, which then meets each user once a period.
active as (
    select
        user_id,
        {{ periods.number(grain, "activity_on") }} as period_no,
        count(*) as event_count
    from marts.fct_activity, build
    where {{ matches }}
    group by all
),

returns as (
    select
        entrant,
        segment,
        cohort_no,
        period_no - start_no as period_index,
        event_count
    from active
    inner join entrants using (user_id)
    where period_no >= start_no
),

{% endif %}
{% include "retention/cells.jinja" %}
