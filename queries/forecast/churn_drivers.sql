/*
grain: One row per feature.
title: What churn risk looks at
description: >-
  By what a standard deviation more of a feature multiplies the odds of leaving, the others held: 1
  is no effect. Clear is what a test of all of them together tells from 1 (Holm's, so that one
  business in 20 without any driver is shown one); no other feature is ever given as a reason. That
  none is clear is the ordinary answer. It shows what goes with leaving, not what causes it.
key: [feature]
people: person_count
answer: odds_ratio
columns:
  feature: {unit: text, description: The feature.}
  meaning: {unit: text, description: What it measures.}
  odds_ratio: {unit: number, description: "Odds with a standard deviation more / odds."}
  low: {unit: number, description: "Lower end of its 95 % interval."}
  high: {unit: number, description: "Upper end of its 95 % interval."}
  is_clear: {unit: flag, description: "Whether it differs from 1 beyond doubt, all tested together."}
  n: {unit: count, description: Member-months.}
  person_count: {unit: count, description: Members whose months they are.}
  lost_count: {unit: count, description: Of these lost.}
  note: {unit: text, of: person_count, description: "Why there are no numbers, or that no driver is clear."}
*/
select
    feature,
    meaning,
    odds_ratio,
    low,
    high,
    is_clear,
    n,
    person_count,
    lost_count,
    note
from forecast.churn_drivers
