/*
grain: One row per customer, currency and month with MRR at its last instant.
title: Members of the cohorts
description: >-
  Who is behind each cell of the subscriber and revenue cohorts, and behind the closing MRR: a
  cell counts the customers, or sums the MRR, of its cohort and offset.
key: [customer_key, currency, month]
parameters:
  since: {type: date, description: The first cohort is that of the month that holds this day.}
  until: {type: date, description: The last cohort is that of the month that holds this day.}
columns:
  cohort_period: {unit: month, description: The month in which the customer first had MRR.}
  period_index: {unit: number, description: Months since the cohort's own.}
  month: {unit: month, description: "The month at whose end, or at as_of, the customer had MRR."}
  customer_key: {unit: text, description: The customer.}
  email: {unit: text, description: "The customer's address, where there is an account.", pii: true}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  mrr_cents: {unit: cents, description: The customer's MRR at the month's last instant.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    cohort_period,
    period_index,
    month,
    customer_key,
    users.email,
    currency,
    mrr_cents,
    is_complete
from marts.member_months
left join marts.dim_customers using (customer_key)
left join staging.stg_app__users as users using (user_id)
where
    ($since is null or cohort_period >= date_trunc('month', cast($since as date)))
    and ($until is null or cohort_period <= date_trunc('month', cast($until as date)))
order by cohort_period, period_index, customer_key, currency
