/*
grain: One row per month.
title: How good churn risk was
description: >-
  Each of the last twelve settled months predicted from the months that were final before it began,
  by features as they stood at its beginning. The Brier score is the mean squared difference of risk
  and outcome. Skill is how much smaller it is than that of a model of tenure alone; below 0 the
  other features did harm. The top tenth is the tenth of members with the highest risk: of random
  members it would hold 10 % of the losses.
key: [month]
people: n
columns:
  month: {unit: month, description: The month predicted.}
  n: {unit: count, description: "Members with something due in it; where nothing could be predicted, those of all months."}
  lost_count: {unit: count, description: Of these lost.}
  predicted_count: {unit: number, description: Losses that the risks add up to.}
  lost_rate: {unit: rate, of: n, description: Lost / n.}
  predicted_rate: {unit: rate, description: Mean risk.}
  brier: {unit: rate, description: "Brier score, 0 to 1; smaller is better."}
  tenure_brier: {unit: rate, description: Brier score of tenure alone.}
  skill_rate: {unit: rate, description: 1 - Brier score / that of tenure alone.}
  top_tenth_share: {unit: rate, description: Share of the losses among the tenth with the highest risk.}
  tenure_top_tenth_share: {unit: rate, description: The same of tenure alone.}
  note: {unit: text, of: n, description: Why there are no numbers.}
*/
select
    month,
    n,
    lost_count,
    predicted_count,
    lost_rate,
    predicted_rate,
    brier,
    tenure_brier,
    skill_rate,
    top_tenth_share,
    tenure_top_tenth_share,
    note
from forecast.churn_risk_backtest
order by month
