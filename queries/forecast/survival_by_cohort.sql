/*
grain: One row per cohort and number of renewals.
title: Survival of memberships
description: >-
  Which share of memberships survives one renewal, two, and so on: as seen (Kaplan-Meier, running
  memberships counted as long as they were seen; 95 % interval by log-log of Greenwood's error) and
  as the model of all memberships has it (95 % profile-likelihood interval). A membership is an
  uninterrupted run of months with MRR at their end; a return begins another, and who joined and
  left between two month ends left at the first renewal. The cohort is the month in which it began,
  or all. Members who pay by the year are counted in months too, though they can only leave yearly.
key: [cohort, tenure_months]
people: person_count
parameters:
  cohort: {type: text, default: all, description: "all, a month such as 2026-01, or every for every cohort."}
answer: survival_rate
columns:
  cohort: {unit: text, description: "Month in which the membership began, or all."}
  tenure_months: {unit: count, description: Renewals.}
  person_count: {unit: count, description: Distinct customers whose memberships they are.}
  n: {unit: count, description: Memberships of the cohort.}
  at_risk_count: {unit: count, description: Memberships seen up to this renewal.}
  lost_count: {unit: count, description: Memberships that ended at it.}
  survival_rate: {unit: rate, description: "Share that survives it, as seen."}
  low: {unit: rate, description: "Lower end of its 95 % interval."}
  high: {unit: rate, description: "Upper end of its 95 % interval."}
  model: {unit: text, description: "The survival model: sBG or BdW."}
  model_survival_rate: {unit: rate, description: "Share that survives it, by the model of all memberships."}
  model_low: {unit: rate, description: "Lower end of its 95 % interval."}
  model_high: {unit: rate, description: "Upper end of its 95 % interval."}
  note: {unit: text, of: person_count, description: Why there is no model.}
*/
select
    cohort,
    tenure_months,
    person_count,
    n,
    at_risk_count,
    lost_count,
    survival_rate,
    low,
    high,
    model,
    model_survival_rate,
    model_low,
    model_high,
    note
from forecast.survival_by_cohort
where cohort = $cohort or $cohort = 'every'
order by cohort = 'all' desc, cohort, tenure_months
