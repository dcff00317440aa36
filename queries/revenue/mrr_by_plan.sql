/*
grain: One row per month, customer, currency, product and rhythm.
title: MRR by member and plan
description: >-
  Who holds which product, and how often it is charged, at the end of each month: the members behind
  MRR by product, behind churn by plan and behind committed MRR.
key: [month, customer_key, currency, product_type, rhythm]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: mrr_cents
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  customer_key: {unit: text, description: The customer.}
  email: {unit: text, description: "The customer's address, where there is an account.", pii: true}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  product_type: {unit: text, description: The product.}
  rhythm: {unit: text, description: How often it is charged.}
  mrr_cents: {unit: cents, description: "MRR at the month's last instant, or at as_of."}
  committed_mrr_cents: {unit: cents, description: The part of it that is not set to end; empty where nobody knows.}
*/
select
    month,
    customer_key,
    email,
    currency,
    product_type,
    rhythm,
    mrr_cents,
    committed_mrr_cents
from marts.member_month_products
left join marts.dim_contacts using (customer_key)
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, customer_key, currency, product_type, rhythm
