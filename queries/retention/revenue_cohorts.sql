/*
grain: One row per cohort month, currency and period index.
title: Revenue retention
description: >-
  The MRR of a cohort at the end of month k, and its share of the MRR at the end of month 0.
  Above 100 % the cohort pays more than when it joined. A cell that has not begun is empty,
  not 0.
key: [cohort_period, currency, period_index]
group_size: cohort_size
parameters:
  since: {type: date, description: The first month is the one that holds this day.}
  until: {type: date, description: The last month is the one that holds this day.}
columns:
  cohort_period: {unit: month, description: Month of first membership.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  period_index: {unit: count, description: Months since.}
  cohort_size: {unit: count, description: Members who joined in the month.}
  mrr_cents: {unit: cents, description: The cohort's MRR at the end of month k.}
  revenue_retention_rate: {unit: rate, description: MRR at k / MRR at the end of month 0.}
  is_complete: {unit: flag, description: Whether month k has ended by as_of.}
*/
select
    cohort_period,
    currency,
    period_index,
    cohort_size,
    mrr_cents,
    revenue_retention_rate,
    is_complete
from marts.revenue_cohorts
where
    ($since is null or cohort_period >= date_trunc('month', cast($since as date)))
    and ($until is null or cohort_period <= date_trunc('month', cast($until as date)))
order by cohort_period, currency, period_index
