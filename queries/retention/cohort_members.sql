/*
grain: One row per customer, currency and month with MRR at its last instant.
title: Members of the cohorts
description: >-
  The people behind each cell of the subscriber and revenue cohorts, and behind the closing MRR: a
  cell counts the customers, or sums the MRR, of its cohort and offset. Product, first product,
  acquisition and brand style are what breakdown splits by.
key: [customer_key, currency, month]
carries: period
parameters:
  since: {type: date, description: The first cohort is that of the month that holds this day.}
  until: {type: date, description: The last cohort is that of the month that holds this day.}
answer: mrr_cents
columns:
  cohort_period: {unit: month, description: The month in which the customer first had MRR.}
  period_index: {unit: number, description: Months since the cohort's own.}
  month: {unit: month, description: "The month at whose end, or at as_of, the customer had MRR."}
  customer_key: {unit: text, description: The customer.}
  email: {unit: text, description: "The customer's address, where there is an account.", pii: true}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  mrr_cents: {unit: cents, description: The customer's MRR at the month's last instant.}
  billed_mrr_cents: {unit: cents, description: The invoices' own amounts per month at the same instant.}
  product: {unit: text, description: "The product that is running now, else the last one bought."}
  first_product: {unit: text, description: The first product bought.}
  acquisition: {unit: text, description: The list from which the customer came.}
  brand_style: {unit: text, description: The brand style that the user chose.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    cohort_period,
    period_index,
    month,
    member_months.customer_key,
    dim_contacts.email,
    currency,
    mrr_cents,
    billed_mrr_cents,
    coalesce(dim_users.product, '(none)') as product,
    coalesce(dim_customers.first_product, '(none)') as first_product,
    coalesce(dim_customers.acquisition, '(none)') as acquisition,
    coalesce(dim_users.brand_style, '(none)') as brand_style,
    is_complete
from marts.member_months
left join marts.dim_customers on member_months.customer_key = dim_customers.customer_key
left join marts.dim_users on dim_customers.user_id = dim_users.user_id
left join marts.dim_contacts on dim_customers.user_id = dim_contacts.user_id
where
    ($since is null or cohort_period >= date_trunc('month', cast($since as date)))
    and ($until is null or cohort_period <= date_trunc('month', cast($until as date)))
order by cohort_period, period_index, member_months.customer_key, currency
