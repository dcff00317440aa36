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
identities: [dau <= wau, wau <= mau, mau <= before.mau + dau, wau <= before.wau + dau]
parameters:
  since: {type: date, description: The first day.}
  until: {type: date, description: The last day.}
columns:
  day: {unit: date, description: "The day, in the reporting zone."}
  dau: {unit: count, same_as: "active {day} {day}", adds_up_to: ["days of use, any, {day:first week} week", "days of use, any, {day:first month} month", "days of use, any, {day:first quarter} quarter", "days of use, any, {day:first year} year"], description: Active on the day.}
  wau: {unit: count, same_as: "active {day:-6 day} {day}", description: Active in the 7 days that end with it.}
  mau: {unit: count, same_as: "active {day:-29 day} {day}", description: Active in the 30 days that end with it.}
  stickiness: {unit: rate, of: mau, made_of: [dau, mau], description: DAU / MAU.}
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
