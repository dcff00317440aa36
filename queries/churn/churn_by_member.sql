/*
grain: One row per customer and loss.
title: Losses by member
description: >-
  Who left, when the paid time ended, and how. Customers are named by customer_key. A loss in
  grace is provisional.
key: [customer_key, churned_at]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  customer_key: {unit: text, description: The customer.}
  email: {unit: text, description: "The customer's address, where there is an account.", pii: true}
  churned_at: {unit: instant, description: End of paid coverage.}
  churned_on: {unit: date, description: Its day in the reporting zone.}
  kind: {unit: text, description: "voluntary, involuntary or unknown."}
  is_after_chargeback: {unit: flag, description: Whether a chargeback such as a lost dispute ended the coverage.}
  is_in_grace: {unit: flag, description: Whether a late renewal may still take it back.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  lost_mrr_cents: {unit: cents, description: MRR that ended.}
  was_member_at_opening: {unit: flag, description: Whether the customer was a member at the month's opening.}
*/
select
    month,
    customer_key,
    dim_contacts.email,
    churned_at,
    churned_on,
    kind,
    is_after_chargeback,
    is_in_grace,
    currency,
    lost_mrr_cents,
    was_member_at_opening
from marts.churn_by_member
left join marts.dim_contacts using (customer_key)
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by churned_at desc, customer_key
