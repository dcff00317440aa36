/*
grain: One row per segment and period index.
title: "Subscriber retention: two ranges compared"
description: >-
  The retention of the cohorts of one range beside that of another, with the 95 % interval of the
  difference (Newcombe): one that holds 0 says that chance alone may explain it. A range may be one
  cohort. All people of a range are taken together, over the cohorts whose period has ended, as in a
  mean. Without days, the last four cohorts and the four before them. Cells of on_or_after are not
  compared, as older cohorts had more time.
interface: subscriber_cohorts
key: [segment, period_index, period_label]
rows: [retention/cohort_members, churn/memberships]
people: [at_risk_count, than_at_risk_count]
analysts_only: It adds up cohorts of the pages, so that a hidden one could be worked out.
parameters:
  mode: {type: choice, choices: ["on", bracket], default: "on", description: What counts as retained.}
  since: {type: date, description: "The first range begins with the cohort that holds this day; by default three cohorts before its last."}
  until: {type: date, description: "It ends with the cohort that holds this day; by default with that of as_of."}
  than_since: {type: date, description: "The other range begins with the cohort that holds this day; by default it has as many cohorts."}
  than_until: {type: date, description: "It ends with the cohort that holds this day; by default just before the first range."}
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  period_index: {unit: count, description: "Periods since the start; of a bracket, its first."}
  period_label: {unit: text, description: "The index, or the bracket, as text."}
  at_risk_count: {unit: count, of: at_risk_count, description: People of the first range whose period k has ended.}
  retained_count: {unit: count, of: at_risk_count, description: "Of these, who are retained in it."}
  retention_rate: {unit: rate, of: at_risk_count, interval: [low, high], description: Retained / at risk.}
  than_at_risk_count: {unit: count, of: than_at_risk_count, description: The same of the other range.}
  than_retained_count: {unit: count, of: than_at_risk_count, description: The same of the other range.}
  than_retention_rate: {unit: rate, of: than_at_risk_count, interval: [than_low, than_high], description: The same of the other range.}
  difference: {unit: rate, difference: [retention_rate, than_retention_rate], description: The first rate less the other.}
*/
{% set groups, least, cohort, window = "segment", "1", "grain", "calendar" %}
{% set first_asked, last_asked = "null", "null" %}
{% include "retention/subscriber.jinja" %}

{% include "retention/cells.jinja" %}

{% include "retention/comparison.jinja" %}
