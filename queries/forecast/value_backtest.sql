/*
grain: One row per past cohort.
title: How good past values were
description: >-
  For each of the last months in which members joined: how many months per person the model of
  that month expected them to pay up to the last settled month, twelve at most after the first,
  and how many they paid. The 95 % interval holds the model's doubt and the luck of few
  members.
key: [cohort_period]
people: n
columns:
  cohort_period: {unit: month, description: The month in which they joined.}
  months_ahead: {unit: count, description: Months after it.}
  n: {unit: count, description: Memberships that began in it.}
  predicted_months: {unit: number, of: n, description: "Months per person that were expected, the first included."}
  predicted_low: {unit: number, of: n, description: "Lower end of its 95 % interval."}
  predicted_high: {unit: number, of: n, description: "Upper end of its 95 % interval."}
  paid_months: {unit: number, of: n, description: Months per person that were paid.}
  is_inside: {unit: flag, of: n, description: Whether they lie inside the interval.}
*/
select
    cohort_period,
    months_ahead,
    n,
    predicted_months,
    predicted_low,
    predicted_high,
    paid_months,
    is_inside
from forecast.value_backtest
order by cohort_period
