/*
grain: One row per month and currency.
title: Billed MRR movements
description: >-
  How billed MRR went from the month's opening to its close: the invoices' own amounts per month,
  prorations aside, over the same coverage as contract MRR. A free invoice is 0; to and from it is
  contraction and expansion while the membership goes on. To the cent: closing = opening + new +
  reactivation + expansion - contraction - churn.
key: [month, currency]
rows: [revenue/billed_mrr_by_member, retention/cohort_members]
carries: forward
people: [opening_member_count, member_count]
identities: [opening_member_count = before.member_count, "member_count <= [members on {month:last month} {currency}]"]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: closing_mrr_cents
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  opening_mrr_cents: {unit: cents, description: Billed MRR at the first instant of the month.}
  new_mrr_cents: {unit: cents, description: First ever rises from 0.}
  reactivation_mrr_cents: {unit: cents, description: Later rises from 0 after a gap in coverage.}
  expansion_mrr_cents: {unit: cents, description: Rises while a membership goes on.}
  contraction_mrr_cents: {unit: cents, description: Falls while a membership goes on.}
  churn_mrr_cents: {unit: cents, description: "Falls at the end of paid coverage, those in grace included."}
  closing_mrr_cents: {unit: cents, description: "Billed MRR at the end of the month, or as of now while it runs."}
  in_grace_mrr_cents: {unit: cents, description: Churn that a late renewal could still reverse.}
  opening_member_count: {unit: count, description: Customers who paid in this currency at the opening.}
  member_count: {unit: count, description: Customers who pay in this currency at the close.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
with movements as (
    select
        *,
        lag(member_count, 1, 0) over (partition by currency order by month) as opening_member_count
    from marts.billed_mrr_movements
)

select
    month,
    currency,
    opening_mrr_cents,
    new_mrr_cents,
    reactivation_mrr_cents,
    expansion_mrr_cents,
    contraction_mrr_cents,
    churn_mrr_cents,
    closing_mrr_cents,
    in_grace_mrr_cents,
    opening_member_count,
    member_count,
    is_complete
from movements
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, currency
