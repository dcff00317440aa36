/*
grain: One row per month and feature.
title: Credit use by feature
description: >-
  What credits are spent on, and what that costs. The cost per credit is an assumption: a
  rate per feature, 15 cents where none is known.
key: [month, feature]
rows: credits/credit_entries
carries: period
people: user_count
part_of: [month]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: used_credits
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  feature: {unit: text, description: What the credits were spent on.}
  used_credits: {unit: credits, description: "Spent, returns taken off."}
  user_count: {unit: count, description: Distinct users who spent.}
  event_count: {unit: count, description: Spends.}
  cost_cents: {unit: cents, description: "Assumed cost, in US cents."}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    month,
    feature,
    used_credits,
    user_count,
    event_count,
    cost_cents,
    is_complete
from marts.usage_by_feature
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, feature
