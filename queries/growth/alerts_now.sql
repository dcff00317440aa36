/*
grain: One row per watched number and rule.
title: Alerts
description: >-
  The numbers that alerts.yml watches, each in its last complete period. A rule fires when a number
  is beyond its line, a share only with the whole of its 95 % interval, or when it has left its
  usual course: further than a number of scaled MADs from the median of earlier periods, by what
  was known at the time. What has too few people or too short a history behind it is not judged.
  They were judged when the marts were built, by the alerts.yml of then; 'sselfie alerts' judges
  them by the present one.
key: [alert, part, kind]
people: person_count
repeats: {query: query, parameters: parameters, row: row_key, columns: [measure, behind]}
answer: detail
columns:
  alert: {unit: text, description: What is watched.}
  part: {unit: text, description: "The currency or other part, where several are watched."}
  kind: {unit: text, description: "above, below or anomaly."}
  state: {unit: text, description: "fired, quiet or not judged."}
  period_on: {unit: date, description: First day of the period judged.}
  value: {unit: number, description: "The number, in its own unit: rates 0-1, money in cents."}
  low: {unit: number, description: "The least that is usual, or the line below it."}
  high: {unit: number, description: "The most that is usual, or the line above it."}
  n: {unit: count, of: person_count, description: People or events behind the number.}
  person_count: {unit: count, description: "People behind the number, of its groups the smallest."}
  detail: {unit: text, of: person_count, description: The judgement in words.}
  query: {unit: text, description: "The query that the number is from; empty where nothing was judged."}
  parameters: {unit: text, description: "The values of its parameters, as JSON."}
  row_key: {unit: text, description: "The key of its row, as JSON."}
  measure: {unit: text, description: The column of the number.}
  behind: {unit: text, description: "The column of n, where there is one."}
*/
select
    alert,
    part,
    kind,
    state,
    period_on,
    value,
    low,
    high,
    n,
    person_count,
    detail,
    query,
    parameters,
    row_key,
    measure,
    behind
from growth.alerts
order by position
