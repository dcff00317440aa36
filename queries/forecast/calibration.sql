/*
grain: One row per tenth of the predictions.
title: Calibration of churn risk
description: >-
  The predictions of forecast/churn_risk_backtest in tenths, lowest first: what was predicted on
  average, and which share was lost. Where the prediction lies outside the interval, it was wrong.
key: [bin]
people: person_count
columns:
  bin: {unit: count, description: "The tenth, lowest predictions first."}
  n: {unit: count, description: Member-months.}
  person_count: {unit: count, description: Members whose months they are.}
  predicted_rate: {unit: rate, description: Mean risk.}
  lost_count: {unit: count, description: Of these lost.}
  lost_rate: {unit: rate, of: n, interval: [low, high], description: Lost / n.}
  note: {unit: text, of: person_count, description: Why there are no numbers.}
*/
select
    bin,
    n,
    person_count,
    predicted_rate,
    lost_count,
    lost_rate,
    note
from forecast.calibration
order by bin
