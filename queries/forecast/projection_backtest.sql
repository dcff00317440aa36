/*
grain: One row per past origin, month ahead, currency and scope.
title: Past projections
description: >-
  What a projection made at the close of each past month would have said, fitted again on what was
  known then, and what came. Amounts of a past month are read as today's invoices have them.
  Beside it two plain guesses: the last value, and the churn and new MRR of the last twelve
  months, continued. Only origins at which a projection would not have been refused.
key: [origin_month, months_ahead, currency, scope]
people: n
answer: actual_cents
columns:
  origin_month: {unit: month, description: The month from whose close it projects.}
  month: {unit: month, description: The month projected.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  scope: {unit: text, description: "total with who joins, existing without."}
  months_ahead: {unit: count, description: Months after the origin.}
  n: {unit: count, same_as: "members on {origin_month:last month} {currency}", description: Members with MRR in the currency at the origin.}
  predicted_low_cents: {unit: cents, description: "Lower end of the projection (95 %)."}
  predicted_mid_cents: {unit: cents, description: Its median.}
  predicted_high_cents: {unit: cents, description: "Upper end of the projection (95 %)."}
  actual_cents: {unit: cents, description: What MRR was.}
  last_value_cents: {unit: cents, description: MRR at the origin.}
  constant_churn_cents: {unit: cents, description: "The origin's MRR with constant churn and, in the total, constant new MRR."}
  is_repriced: {unit: flag, description: "Whether prices were changed on the way, which no projection could know: forecast/projection_accuracy leaves such months out."}
  is_inside: {unit: flag, description: Whether what came lies between low and high.}
*/
select
    origin_month,
    month,
    currency,
    scope,
    months_ahead,
    n,
    predicted_low_cents,
    predicted_mid_cents,
    predicted_high_cents,
    actual_cents,
    last_value_cents,
    constant_churn_cents,
    is_repriced,
    is_inside
from forecast.projection_backtest
order by origin_month, months_ahead, currency, scope
