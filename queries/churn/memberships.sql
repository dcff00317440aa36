/*
grain: One row per unbroken membership.
title: Memberships
description: >-
  The memberships behind the members of a month: those that began in it are new or, after an earlier one,
  reactivated; those that ended in it are churned; those that began before its end and have not ended by
  then are its closing members. Product, first product, acquisition and brand style are the customer's, by
  which cohorts can be split.
key: [customer_key, began_at]
parameters:
  since: {type: date, description: "Only those that ended on this day or later, or run."}
  until: {type: date, description: Only those that began on this day or earlier.}
columns:
  customer_key: {unit: text, description: The customer.}
  email: {unit: text, description: "The customer's address, where there is an account.", pii: true}
  began_at: {unit: instant, description: First instant with MRR.}
  began_on: {unit: date, description: Its day in the reporting zone.}
  is_first: {unit: flag, description: Whether it is the customer's first.}
  ended_on: {unit: date, description: "Day on which paid coverage ended; empty while it runs."}
  kind: {unit: text, description: "How it ended: voluntary, involuntary or unknown."}
  is_in_grace: {unit: flag, description: Whether a late renewal would still take the end back.}
  product_type: {unit: text, description: "What was covered at the end, or at as_of."}
  product: {unit: text, description: "The product that is running now, else the last one bought."}
  first_product: {unit: text, description: The first product bought.}
  acquisition: {unit: text, description: The list from which the customer came.}
  brand_style: {unit: text, description: The brand style that the user chose.}
*/
select
    spans.customer_key,
    dim_contacts.email,
    spans.began_at,
    spans.began_on,
    spans.began_at = min(spans.began_at) over (partition by spans.customer_key) as is_first,
    spans.ended_on,
    losses.kind,
    coalesce(losses.is_in_grace, false) as is_in_grace,
    spans.product_type,
    coalesce(dim_users.product, '(none)') as product,
    coalesce(dim_customers.first_product, '(none)') as first_product,
    coalesce(dim_customers.acquisition, '(none)') as acquisition,
    coalesce(dim_users.brand_style, '(none)') as brand_style
from marts.membership_spans as spans
left join marts.churn_by_member as losses
    on spans.customer_key = losses.customer_key and spans.ended_at = losses.churned_at
left join marts.dim_customers on spans.customer_key = dim_customers.customer_key
left join marts.dim_users on dim_customers.user_id = dim_users.user_id
left join marts.dim_contacts on dim_customers.user_id = dim_contacts.user_id
qualify
    ($since is null or spans.ended_on is null or spans.ended_on >= cast($since as date))
    and ($until is null or spans.began_on <= cast($until as date))
order by spans.began_at, spans.customer_key
