/*
grain: One row per cohort month and period index.
title: Subscriber retention
description: >-
  Of the members who first had MRR in one month, the share who have it at the end of a later
  one (at as_of while that month runs). Who returns stays in the first cohort. Period 0 is the
  month of joining: who joins and leaves within it is not retained in it. A cell that has not
  begun is empty, not 0.
key: [cohort_period, period_index]
group_size: cohort_size
parameters:
  since: {type: date, description: The first month is the one that holds this day.}
  until: {type: date, description: The last month is the one that holds this day.}
columns:
  cohort_period: {unit: month, description: Month of first membership.}
  period_index: {unit: count, description: Months since.}
  cohort_size: {unit: count, description: Members who joined in the month.}
  at_risk_count: {unit: count, description: "Cohort size once month k has begun, else empty."}
  retained_count: {unit: count, description: Members of the cohort with MRR at the end of month k.}
  retention_rate: {unit: rate, description: Retained / at risk.}
  low: {unit: rate, description: "Lower end of the 95 % interval (Wilson)."}
  high: {unit: rate, description: "Upper end of the 95 % interval (Wilson)."}
  is_complete: {unit: flag, description: Whether month k has ended by as_of.}
*/
select
    cohort_period,
    period_index,
    cohort_size,
    at_risk_count,
    retained_count,
    retention_rate,
    low,
    high,
    is_complete
from marts.subscriber_cohorts
where
    ($since is null or cohort_period >= date_trunc('month', cast($since as date)))
    and ($until is null or cohort_period <= date_trunc('month', cast($until as date)))
order by cohort_period, period_index
