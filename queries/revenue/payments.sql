/*
grain: One row per payment received, refund or chargeback.
title: Payments, refunds and chargebacks
description: >-
  The rows behind revenue by month: every payment of someone who counts, once however often it is
  stored, and every refund and chargeback, by the day on which the money moved.
key: [movement_key]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: gross_cents
columns:
  movement_key: {unit: text, description: "The payment's key, or that of the refund or chargeback."}
  payment_key: {unit: text, description: "The payment, or the one given back, where it is known."}
  month: {unit: month, description: "The month, in the reporting zone."}
  moved_on: {unit: date, description: The day on which the money moved.}
  kind: {unit: text, description: "payment, refund or chargeback."}
  customer_key: {unit: text, description: The customer.}
  email: {unit: text, description: "The customer's address, where there is an account.", pii: true}
  product_type: {unit: text, description: The product.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  gross_cents: {unit: cents, description: Received.}
  refunded_cents: {unit: cents, description: Refunded.}
  chargeback_cents: {unit: cents, description: Charged back.}
*/
select
    movement_key,
    payment_key,
    month,
    moved_on,
    kind,
    customer_key,
    dim_contacts.email,
    product_type,
    currency,
    gross_cents,
    refunded_cents,
    chargeback_cents
from marts.payments
left join marts.dim_contacts using (customer_key)
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by moved_on desc, movement_key
