/*
grain: One row per customer and currency.
title: Members now
description: >-
  Every member at as_of, and those who lapsed within the grace days. Cancelling: set to end
  when the paid time does, as the source has it now. In grace: paid time is over, and a late renewal
  would still count.
key: [customer_key, currency]
carries: now
answer: mrr_cents
columns:
  customer_key: {unit: text, description: The customer.}
  email: {unit: text, description: "The customer's address, where there is an account.", pii: true}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  member_since_on: {unit: date, description: First day with MRR.}
  paid_until_on: {unit: date, description: Last day of paid coverage.}
  mrr_cents: {unit: cents, description: "MRR at as_of; in grace, what a late renewal would take back."}
  days_left: {unit: days, description: "Days from as_of to the end of paid coverage; negative in grace."}
  state: {unit: text, description: "active, in_grace or cancelling."}
*/
select
    customer_key,
    dim_contacts.email,
    currency,
    member_since_on,
    paid_until_on,
    mrr_cents,
    days_left,
    state
from marts.members_now
left join marts.dim_contacts using (customer_key)
order by paid_until_on, customer_key, currency
