/*
grain: One row per segment, cohort period and period index that has begun, and one per segment and period index with the mean.
title: Subscriber retention
description: >-
  Of the members who first had MRR in one period, the share who have it at the end of a later one
  (at as_of while that period runs). Members who return stay in their first cohort. Period 0 is
  the period of joining: members who join and leave within it are not retained in it. Mode "on"
  counts who has MRR at the end of period k, "on_or_after" at that of k or of any later one, so
  that its cells rise until everyone has come back and older cohorts had more time; "bracket" at
  that of any period of a bracket. The mean is weighted: all retained / all at risk, over the
  cohorts whose period has ended.
interface: subscriber_cohorts
group: [segment, cohort_period]
rows: [retention/cohort_members, churn/memberships]
carries: forward
people: cohort_size
identities: [at_risk_count = cohort_size, retained_count <= cohort_size]
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: date, description: "First day of the period of first membership; empty for the mean."}
  period_index: {unit: count, description: "Periods since; of a bracket, its first."}
  period_label: {unit: text, description: "The index, or the bracket, as text."}
  cohort_size: {unit: count, adds_up_to: "joined {cohort_period} {cohort_period:last {grain}}{only}{without}", description: "Members who joined in the period; of the mean, those it rests on."}
  at_risk_count: {unit: count, of: at_risk_count, description: Members of the cohort for whom period k has begun.}
  retained_count: {unit: count, of: at_risk_count, adds_up_to: ["members {mode} {cohort_period:last +{period_index} {grain}}{only}{without}", "joined {cohort_period} {cohort_period:last {grain}}{only}{without}, {mode} {period_label}"], description: "Members of the cohort with MRR at the end of period k, as the mode reads it."}
  retention_rate: {unit: rate, of: at_risk_count, interval: [low, high], description: Retained / at risk.}
  previous_rate: {unit: rate, made_of: [retained_count, before.retained_count], description: "Retained in period k / retained in the one before; empty for brackets and means."}
  is_complete: {unit: flag, description: "Whether the number can no longer change: period k has ended by as_of and, with on_or_after, everyone has come back."}
  is_in_mean: {unit: flag, description: Whether the mean of its period counts the cell.}
  is_mean: {unit: flag, description: Whether the row is the mean of a period.}
*/
{% set groups, least, cohort, window = "segment", "1", "grain", "calendar" %}
{% include "retention/subscriber.jinja" %}

{% include "retention/cells.jinja" %}

{% include "retention/means.jinja" %}
