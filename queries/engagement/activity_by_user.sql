/*
grain: One row per period, user and feature.
title: Activity by user
description: >-
  The people behind the active users, the stickiness of a day and the adoption of a feature: the active
  users of a period are its distinct users here, those of a feature its rows, and the events add up.
key: [period, user_id, feature]
parameters:
  grain: {type: choice, choices: [day, week, month], default: month, description: Length of a period.}
  since: {type: date, description: The first period is the one that holds this day.}
  until: {type: date, description: The last period is the one that holds this day.}
columns:
  period: {unit: date, description: First day of the period.}
  user_id: {unit: text, description: The user.}
  feature: {unit: text, description: What was used.}
  event_count: {unit: count, description: How often the user did something with it in the period.}
*/
{% import "retention/periods.jinja" as periods %}
select
    {{ periods.start(grain, "activity_on") }} as period,
    user_id,
    feature,
    count(*) as event_count
from marts.fct_activity, marts.build_info
where
    ($since is null or activity_on >= {{ periods.start(grain, "cast($since as date)") }})
    and ($until is null or period <= {{ periods.start(grain, "cast($until as date)") }})
group by period, user_id, feature
order by period, user_id, feature
