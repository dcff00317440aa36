/*
grain: One row per closed month, query, row of it and measure.
title: Closed figures
description: >-
  Every figure that was signed with 'sselfie close', by product and cohort, too, beside what the
  marts say now.
key: [month, query, row_key, measure]
columns:
  month: {unit: month, description: The month that was closed.}
  query: {unit: text, description: The query that gave the figure.}
  row_key: {unit: text, description: "The key of its row, as JSON."}
  measure: {unit: text, description: Its column.}
  closed_value: {unit: number, description: "What was signed, in its own unit: rates 0-1, money in cents."}
  value_now: {unit: number, description: "What the marts say now; empty for the liability."}
  restated: {unit: number, description: Now minus signed.}
  cause: {unit: text, description: Why it has changed since.}
*/
select
    month,
    query,
    row_key,
    measure,
    closed_value,
    value_now,
    value_now - closed_value as restated,
    cause
from (
    {% include 'revenue/closed_values.jinja' %}
)
order by month, figure_order
