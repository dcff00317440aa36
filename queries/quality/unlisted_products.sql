/*
grain: One row per product, currency and reason.
title: Products and prices off the list
description: >-
  What was paid that the price list does not know: products that it does not have, and amounts
  that are no whole number of a price in force (coupons, taxes, yearly and old prices). All of it
  counts. The owner's price list is products.csv beside sselfie.toml.
key: [product_type, currency, reason]
rows: quality/unlisted_payments
carries: now
people: customer_count
columns:
  product_type: {unit: text, description: The product.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  reason: {unit: text, description: unlisted product or amount off the list.}
  customer_count: {unit: count, description: Customers who paid it.}
  member_count: {unit: count, description: Customers whom such an invoice covers now.}
  amount_cents: {unit: cents, description: What they paid in all.}
*/
select
    product_type,
    currency,
    count(distinct customer_key) as customer_count,
    count(distinct customer_key) filter (is_covering) as member_count,
    sum(amount_cents)::bigint as amount_cents,
    reason
from marts.unlisted_payments
group by all
order by reason desc, amount_cents desc, product_type, currency
