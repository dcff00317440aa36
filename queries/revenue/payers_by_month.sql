/*
grain: One row per month and currency.
title: Payers by month
description: >-
  Distinct customers who paid in the month, over all products, and the net revenue per payer
  (ARPPU).
key: [month, currency]
rows: revenue/payments
carries: period
people: [payer_count, given_back_count]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: arppu_cents
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  net_cents: {unit: cents, description: Payments minus refunds.}
  payer_count: {unit: count, same_as: "paid {month} {currency}", covers: "paid {month}", description: Distinct customers who paid.}
  given_back_count: {unit: count, description: "Where nobody paid: distinct customers who got money back."}
  arppu_cents: {unit: cents, description: Net revenue / payers.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
{% import "revenue/given_back.jinja" as given_back %}
with given_back as (
{{ given_back.people(["month", "currency"]) }}
)

select
    month,
    currency,
    net_cents,
    payer_count,
    {{ given_back.count }} as given_back_count,
    arppu_cents,
    is_complete
from marts.payers_by_month
left join given_back using (month, currency)
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, currency
