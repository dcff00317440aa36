/*
grain: One row per customer, product bought and other product.
title: Product ladder by customer
description: >-
  The customers behind the product ladder: who bought the one product, when, and when the other for the
  first time, if that came later. membership is any recurring product.
key: [customer_key, from_product, to_product]
parameters:
  from_product: {type: text, description: Only this product bought first.}
  to_product: {type: text, description: Only this product bought later.}
columns:
  from_product: {unit: text, description: The product bought first.}
  to_product: {unit: text, description: The product bought later.}
  customer_key: {unit: text, description: The customer.}
  email: {unit: text, description: "The customer's address, where there is an account.", pii: true}
  from_on: {unit: date, description: Day of the first purchase of the one.}
  to_on: {unit: date, description: "Day of the first purchase of the other; empty without a later one."}
  days: {unit: days, description: Days from the one first purchase to the other.}
*/
select
    steps.from_product,
    steps.to_product,
    earlier.customer_key,
    dim_contacts.email,
    earlier.first_paid_on as from_on,
    later.first_paid_on as to_on,
    date_diff('microsecond', earlier.first_paid_at, later.first_paid_at) / 86400000000 as days
from marts.product_ladder as steps
inner join marts.first_purchases as earlier on steps.from_product = earlier.product_type
left join marts.first_purchases as later
    on
        earlier.customer_key = later.customer_key
        and steps.to_product = later.product_type
        and earlier.first_paid_at < later.first_paid_at
left join marts.dim_contacts on earlier.customer_key = dim_contacts.customer_key
where
    ($from_product is null or steps.from_product = $from_product)
    and ($to_product is null or steps.to_product = $to_product)
order by steps.from_product, steps.to_product, earlier.customer_key
