/*
grain: One row per ledger entry.
title: Ledger entries
description: >-
  The rows behind the credit flow, the use by feature and the ledger's side of the gaps. Credits
  are positive when they come in and negative when they go.
key: [credit_transaction_id]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  credit_transaction_id: {unit: text, description: The stored entry.}
  month: {unit: month, description: "The month, in the reporting zone."}
  transacted_on: {unit: date, description: Its day in the reporting zone.}
  user_id: {unit: text, description: The user.}
  email: {unit: text, description: "The user's address.", pii: true}
  kind: {unit: text, description: "purchased, granted, bonus, adjusted or used."}
  feature: {unit: text, description: What used credits were used for.}
  credits: {unit: credits, description: Credits moved.}
  cost_cents: {unit: cents, description: "Assumed cost of what was used, in US cents."}
*/
select
    credit_transaction_id,
    month,
    transacted_on,
    user_id,
    dim_contacts.email,
    kind,
    feature,
    credits,
    cost_cents
from marts.credit_entries
left join marts.dim_contacts using (user_id)
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by transacted_on desc, credit_transaction_id
