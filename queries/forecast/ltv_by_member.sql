/*
grain: One row per member now and currency.
title: Value by member
description: >-
  What each member has paid for memberships so far, and is expected to pay from the next renewal
  on, discounted by the month. The interval covers 95 of 100 such members; it is wide because
  individual outcomes vary a lot. Naive: MRR / churn rate.
key: [customer_key, currency]
answer: expected_value_cents
columns:
  customer_key: {unit: text, description: The customer.}
  user_id: {unit: text, description: "The account, where there is one."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  product_type: {unit: text, description: The product by which the membership began.}
  tenure_months: {unit: count, description: Renewals made.}
  mrr_cents: {unit: cents, description: MRR at as_of.}
  collected_cents: {unit: cents, description: "Paid for memberships so far, refunds taken off."}
  expected_months: {unit: number, description: "Expected further months, discounted."}
  months_low: {unit: number, description: Lower end of where 95 of 100 such members will end.}
  months_high: {unit: number, description: Upper end of it.}
  expected_value_cents: {unit: cents, description: Still expected.}
  value_low_cents: {unit: cents, description: Lower end of where 95 of 100 such members will end.}
  value_high_cents: {unit: cents, description: Upper end of it.}
  naive_value_cents: {unit: cents, description: MRR / monthly churn rate.}
  discount_rate: {unit: rate, description: What a month's delay takes off.}
  n: {unit: count, description: Memberships that the survival was learned from.}
  model: {unit: text, description: "The survival model: sBG or BdW."}
  note: {unit: text, description: Why nothing is expected.}
*/
select
    customer_key,
    user_id,
    currency,
    product_type,
    tenure_months,
    mrr_cents,
    collected_cents,
    expected_months,
    months_low,
    months_high,
    expected_value_cents,
    value_low_cents,
    value_high_cents,
    naive_value_cents,
    discount_rate,
    n,
    model,
    note
from forecast.ltv_by_member
order by expected_value_cents desc nulls last, customer_key, currency
