/*
grain: One row per payment.
title: Payments off the list
description: >-
  Who paid for a product that the price list does not have, or an amount that is no whole number of
  a price in force. All of it counts.
key: [payment_key]
columns:
  payment_key: {unit: text, description: The payment.}
  paid_on: {unit: date, description: The day of the payment.}
  customer_key: {unit: text, description: The customer.}
  email: {unit: text, description: "The customer's address, where there is an account.", pii: true}
  product_type: {unit: text, description: The product.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  amount_cents: {unit: cents, description: What was paid.}
  reason: {unit: text, description: unlisted product or amount off the list.}
  is_covering: {unit: flag, description: Whether it is an invoice that covers now.}
*/
select
    payment_key,
    paid_on,
    customer_key,
    email,
    product_type,
    currency,
    amount_cents,
    reason,
    is_covering
from marts.unlisted_payments
left join marts.dim_contacts using (customer_key)
order by paid_on desc, payment_key
