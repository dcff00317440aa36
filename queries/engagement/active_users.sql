/*
grain: One row per period.
title: Active users
description: >-
  Distinct users with any activity in the period, by when they were active before: new (first
  activity ever), returning (active in the period before too), resurrected (active earlier, not in
  the period before). Dormant were active in the period before and not in this one. active = new +
  returning + resurrected; the active of the period before = returning + dormant.
key: [period]
rows: engagement/activity_by_user
carries: forward
people: active_count
identities:
  - active_count = new_count + returning_count + resurrected_count
  - before.active_count = returning_count + dormant_count
parameters:
  grain: {type: choice, choices: [day, week, month], default: month, description: Length of a period.}
  since: {type: date, description: The first period is the one that holds this day.}
  until: {type: date, description: The last period is the one that holds this day.}
answer: active_count
columns:
  period: {unit: date, description: First day of the period.}
  active_count: {unit: count, same_as: "active {period} {period:last {grain}}", adds_up_to: "used any {period} {period:last {grain}}", description: Distinct active users.}
  new_count: {unit: count, adds_up_to: "new any {period} {period:last {grain}}", description: Active for the first time.}
  returning_count: {unit: count, adds_up_to: "returning any {period} {period:last {grain}}", description: Active in the period before too.}
  resurrected_count: {unit: count, adds_up_to: "resurrected any {period} {period:last {grain}}", description: "Active earlier, but not in the period before."}
  dormant_count: {unit: count, adds_up_to: "dormant any {period} {period:last {grain}}", description: "Active in the period before, not now."}
  is_complete: {unit: flag, description: Whether the period has ended by as_of.}
*/
{% import "retention/periods.jinja" as periods %}
select
    period,
    active_count,
    new_count,
    returning_count,
    resurrected_count,
    dormant_count,
    is_complete
from marts.active_users, marts.build_info
where
    grain = $grain
    and ($since is null or period >= {{ periods.start(grain, "cast($since as date)") }})
    and ($until is null or period <= {{ periods.start(grain, "cast($until as date)") }})
order by period
