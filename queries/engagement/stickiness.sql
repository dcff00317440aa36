/*
grain: One row per day.
title: Stickiness
description: >-
  Distinct users active on the day, in the 7 days and in the 30 days that end with it;
  stickiness is daily over monthly.
key: [day]
rows: engagement/activity_by_user
carries: 29 days
people: mau
parameters:
  since: {type: date, description: The first day.}
  until: {type: date, description: The last day.}
columns:
  day: {unit: date, description: "The day, in the reporting zone."}
  dau: {unit: count, description: Active on the day.}
  wau: {unit: count, description: Active in the 7 days that end with it.}
  mau: {unit: count, description: Active in the 30 days that end with it.}
  stickiness: {unit: rate, of: mau, description: DAU / MAU.}
  is_complete: {unit: flag, description: Whether the day has ended by as_of.}
*/
select
    day,
    dau,
    wau,
    mau,
    stickiness,
    is_complete
from marts.stickiness
where
    ($since is null or day >= cast($since as date))
    and ($until is null or day <= cast($until as date))
order by day
