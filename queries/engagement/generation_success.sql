/*
grain: One row per month and kind.
title: Generation success
description: >-
  Images, videos and trainings that users requested, and how many were completed. The outcome is
  the present one, even for an earlier as_of: the source overwrites the status, and keeps its
  time for trainings only.
key: [month, kind]
rows: engagement/generations
carries: period
people: user_count
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  kind: {unit: text, description: What was asked for.}
  requested_count: {unit: count, description: Requests.}
  completed_count: {unit: count, description: Made.}
  failed_count: {unit: count, description: Failed.}
  user_count: {unit: count, description: Distinct users who asked.}
  success_rate: {unit: rate, description: Made / made or failed.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    month,
    kind,
    requested_count,
    completed_count,
    failed_count,
    user_count,
    success_rate,
    is_complete
from marts.generation_success
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, kind
