/*
grain: One row per month and feature.
title: Feature adoption
description: >-
  The share of a month's active users who used the feature.
key: [month, feature]
rows: engagement/activity_by_user
carries: period
people: user_count
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  feature: {unit: text, description: The feature.}
  user_count: {unit: count, covers: "active {month} {month:last month}", description: Distinct users of the feature.}
  event_count: {unit: count, description: Uses.}
  active_count: {unit: count, of: active_count, same_as: "active {month} {month:last month}", description: Users active in the month.}
  adoption_rate: {unit: rate, of: active_count, description: Users of the feature / active users.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    month,
    feature,
    user_count,
    event_count,
    active_count,
    adoption_rate,
    adopted.is_complete
from marts.feature_adoption as adopted
left join marts.active_users as active on active.grain = 'month' and active.period = adopted.month
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, feature
