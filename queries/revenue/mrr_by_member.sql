/*
grain: One row per month, customer, currency and movement.
title: MRR movements by member
description: >-
  The customers behind a month's MRR movements. Customers are named by customer_key.
key: [month, customer_key, currency, movement]
carries: forward
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: closing_mrr_cents
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  customer_key: {unit: text, description: The customer.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  movement: {unit: text, description: "new, reactivation, expansion, contraction or churn."}
  movement_mrr_cents: {unit: cents, description: "Size of the movement, never negative."}
  closing_mrr_cents: {unit: cents, description: The customer's MRR at the month's close.}
  in_grace_mrr_cents: {unit: cents, description: Part of a churn that a late renewal may still take back.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    month,
    customer_key,
    currency,
    movement,
    movement_mrr_cents,
    closing_mrr_cents,
    in_grace_mrr_cents,
    is_complete
from marts.mrr_by_member
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, customer_key, currency, movement
