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
interface: activity_cohorts
group: [segment, cohort_period]
rows: [retention/activity_cohort_members, engagement/activity_by_user]
carries: period
people: cohort_size
identities: [at_risk_count = cohort_size, retained_count <= cohort_size]
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: date, description: "First day of the period in which the users started; empty for the mean."}
  period_index: {unit: count, description: "Periods since the start; of a bracket, its first."}
  period_label: {unit: text, description: "The index, or the bracket, as text."}
  cohort_size: {unit: count, adds_up_to: "{start} {cohort_period} {cohort_period:last {grain}}{only}{without}", description: "Users who started in the period; of the mean, those it rests on."}
  at_risk_count: {unit: count, of: at_risk_count, description: Users of the cohort for whom period k has begun.}
  retained_count: {unit: count, of: at_risk_count, adds_up_to: "{start} {cohort_period} {cohort_period:last {grain}} came back {period_label} {mode} {window} {return} {at_least} {cohort}{only}{without}", description: Users of the cohort who came back in period k.}
  retention_rate: {unit: rate, of: at_risk_count, interval: [low, high], description: Retained / at risk.}
  previous_rate: {unit: rate, made_of: [retained_count, before.retained_count], description: "Retained in period k / retained in the one before; empty for brackets and means."}
  is_complete: {unit: flag, description: "Whether the number can no longer change: period k has ended by as_of and, with on_or_after, everyone has come back."}
  is_in_mean: {unit: flag, description: Whether the mean of its period counts the cell.}
  is_mean: {unit: flag, description: Whether the row is the mean of a period.}
*/
{% set groups, least = "segment", "$at_least" %}
{% include "retention/activity.jinja" %}

{% include "retention/cells.jinja" %}

{% include "retention/means.jinja" %}
