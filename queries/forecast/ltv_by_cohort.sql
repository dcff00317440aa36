/*
grain: One row per month of first membership and currency.
title: Lifetime value by cohort
description: >-
  Of those who first had MRR in a month and paid in the currency: what memberships have paid so far
  (refunds taken off), and what those still here are expected to pay from their next renewal on,
  discounted by the month, per person who joined. The interval holds the model's doubt and the
  luck of few members. Returns after a loss are not expected. Naive: ARPA / churn rate, of those
  still here. Costs are not taken off.
key: [cohort_period, currency]
people: [n, member_count]
identities: [member_count <= n]
answer: lifetime_value_cents
columns:
  cohort_period: {unit: month, description: Month of first membership.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  n: {unit: count, covers: "joined {cohort_period} {cohort_period:last month}", description: Members who joined in the month and paid in the currency.}
  member_count: {unit: count, description: Of these here at the last settled month's end.}
  arpa_cents: {unit: cents, description: Mean MRR of those here.}
  collected_cents: {unit: cents, description: "Paid so far, per head."}
  expected_months: {unit: number, description: "Expected further months, discounted, per head."}
  months_low: {unit: number, description: "Lower end of its 95 % interval."}
  months_high: {unit: number, description: "Upper end of its 95 % interval."}
  expected_value_cents: {unit: cents, description: "Still expected, per head."}
  value_low_cents: {unit: cents, description: "Lower end of its 95 % interval."}
  value_high_cents: {unit: cents, description: "Upper end of its 95 % interval."}
  lifetime_value_cents: {unit: cents, description: "Paid so far and still expected, per head."}
  lifetime_low_cents: {unit: cents, description: "Lower end of its 95 % interval."}
  lifetime_high_cents: {unit: cents, description: "Upper end of its 95 % interval."}
  naive_value_cents: {unit: cents, description: ARPA / monthly churn rate.}
  discount_rate: {unit: rate, description: What a month's delay takes off.}
  model: {unit: text, description: "The survival model: sBG or BdW."}
  note: {unit: text, of: n, description: Why nothing is expected.}
*/
select
    cohort_period,
    currency,
    n,
    member_count,
    arpa_cents,
    collected_cents,
    expected_months,
    months_low,
    months_high,
    expected_value_cents,
    value_low_cents,
    value_high_cents,
    lifetime_value_cents,
    lifetime_low_cents,
    lifetime_high_cents,
    naive_value_cents,
    discount_rate,
    model,
    note
from forecast.ltv_by_cohort
order by cohort_period, currency
