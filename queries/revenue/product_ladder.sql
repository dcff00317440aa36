/*
grain: One row per pair of products.
title: Product ladder
description: >-
  Of the customers who bought one product, the share who later bought another for the first time,
  and the median days between the two first purchases. membership is any recurring product:
  session to membership is from one_time_session to it, and the ladder runs from credit_topup via
  paid_blueprint to it.
key: [from_product, to_product]
rows: revenue/ladder_by_customer
carries: now
people: from_customer_count
columns:
  from_product: {unit: text, description: The product bought first.}
  to_product: {unit: text, description: The product bought later.}
  from_customer_count: {unit: count, description: Customers who ever bought the first.}
  customer_count: {unit: count, description: "Of these, customers who later bought the second."}
  rate: {unit: rate, of: from_customer_count, description: "Customers of both, in this order / customers of the first."}
  median_days: {unit: days, of: customer_count, description: Median days from the one first purchase to the other.}
*/
select
    from_product,
    to_product,
    from_customer_count,
    customer_count,
    rate,
    median_days
from marts.product_ladder
order by customer_count desc, from_product, to_product
