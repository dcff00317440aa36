/*
grain: One row per month.
title: Trainings
description: >-
  Model trainings started by users, and how long the training took, by the month of the request. A
  training that finished after as_of counts as running; failures count by their present status,
  as the source keeps no time for them.
key: [month]
rows: engagement/generations
carries: period
people: user_count
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: success_rate
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  requested_count: {unit: count, description: Trainings begun.}
  completed_count: {unit: count, description: Finished.}
  failed_count: {unit: count, description: Failed.}
  user_count: {unit: count, description: Distinct users.}
  success_rate: {unit: rate, description: Finished / finished or failed.}
  median_minutes: {unit: number, description: Median minutes to finish.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    month,
    requested_count,
    completed_count,
    failed_count,
    user_count,
    success_rate,
    median_minutes,
    is_complete
from marts.training_by_month
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month
