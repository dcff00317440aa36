/*
grain: One row per month, currency and product.
title: Revenue by month
description: >-
  Money received, refunded and charged back, by the day on which it moved (cash view). A payment
  counts once, however often the source stores it; one given back stays in gross, and its refund or
  chargeback counts in its own month. Net is gross minus both. Amounts are as paid: a tax inside
  them stays inside. Products are those paid for; recurring ones are memberships.
key: [month, currency, product_type]
rows: revenue/payments
carries: period
people: [payer_count, given_back_count]
part_of: [month, currency]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: net_cents
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  product_type: {unit: text, description: The product paid for.}
  gross_cents: {unit: cents, description: Payments received.}
  refunded_cents: {unit: cents, description: Refunds made.}
  chargeback_cents: {unit: cents, description: "Chargebacks, but for those that were won."}
  net_cents: {unit: cents, description: Gross minus refunds and chargebacks.}
  payment_count: {unit: count, description: Payments above 0.}
  payer_count: {unit: count, covers: "paid {month} {currency}", description: Distinct customers who paid.}
  given_back_count: {unit: count, description: "Where nobody paid: distinct customers who got money back."}
  refund_count: {unit: count, description: Refunds made.}
  chargeback_count: {unit: count, description: Chargebacks.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
{% import "revenue/given_back.jinja" as given_back %}
with given_back as (
{{ given_back.people(["month", "currency", "product_type"]) }}
)

select
    month,
    currency,
    product_type,
    gross_cents,
    refunded_cents,
    chargeback_cents,
    net_cents,
    payment_count,
    payer_count,
    {{ given_back.count }} as given_back_count,
    refund_count,
    chargeback_count,
    is_complete
from marts.revenue_by_month
left join given_back using (month, currency, product_type)
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, currency, product_type
