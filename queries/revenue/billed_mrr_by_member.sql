/*
grain: One row per month, customer, currency and movement.
title: Billed MRR movements by member
description: >-
  The customers behind a month's movements of billed MRR.
key: [month, customer_key, currency, movement]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: movement_mrr_cents
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  customer_key: {unit: text, description: The customer.}
  email: {unit: text, description: "The customer's address, where there is an account.", pii: true}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  movement: {unit: text, description: "new, reactivation, expansion, contraction or churn."}
  movement_mrr_cents: {unit: cents, description: "Size of the movement, never negative."}
  in_grace_mrr_cents: {unit: cents, description: Part of a churn that a late renewal may still take back.}
*/
select
    month,
    customer_key,
    email,
    currency,
    movement,
    movement_mrr_cents,
    in_grace_mrr_cents
from marts.billed_mrr_by_member
left join marts.dim_contacts using (customer_key)
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, customer_key, currency, movement
