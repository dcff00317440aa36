/*
grain: One row per month and currency.
title: MRR movements
description: >-
  How contract MRR went from the month's opening to its close. MRR is what every invoice that
  covers the instant is worth a month, as paid: a tax inside it stays inside, a coupon or a
  proration for one invoice does not count. A customer's first MRR is new, MRR again after 0
  reactivation, an increase expansion, a decrease contraction, and a fall to 0 churn, dated at the
  end of paid coverage. To the cent: closing = opening + new + reactivation + expansion -
  contraction - churn.
key: [month, currency]
rows: [revenue/mrr_by_member, retention/cohort_members, revenue/mrr_by_plan]
carries: forward
people: [opening_member_count, member_count]
identities: [opening_member_count = before.member_count]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: closing_mrr_cents
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  opening_mrr_cents: {unit: cents, description: MRR at the first instant of the month.}
  new_mrr_cents: {unit: cents, description: First ever rises from 0.}
  reactivation_mrr_cents: {unit: cents, description: Later rises from 0.}
  expansion_mrr_cents: {unit: cents, description: Rises of members.}
  contraction_mrr_cents: {unit: cents, description: Falls of members who stay.}
  churn_mrr_cents: {unit: cents, description: "Falls to 0, those in grace included."}
  closing_mrr_cents: {unit: cents, description: "MRR at the end of the month, or as of now while it runs."}
  billed_mrr_cents: {unit: cents, description: The invoices' own amounts per month at the same instant.}
  committed_mrr_cents: {unit: cents, description: "Closing MRR without what was set to end; empty before the first sync, and where the source does not say."}
  in_grace_mrr_cents: {unit: cents, description: Churn that a late renewal could still reverse.}
  opening_member_count: {unit: count, description: Members with MRR in this currency at the opening.}
  member_count: {unit: count, same_as: "members on {month:last month} {currency}", covers: "members on {month:last month}", description: Members with MRR in this currency at the close.}
  arr_cents: {unit: cents, description: 12 x closing MRR.}
  arpa_cents: {unit: cents, made_of: [member_count], description: Closing MRR / members.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
with movements as (
    select
        *,
        lag(member_count, 1, 0) over (partition by currency order by month) as opening_member_count
    from marts.mrr_movements
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
    billed_mrr_cents,
    committed_mrr_cents,
    in_grace_mrr_cents,
    opening_member_count,
    member_count,
    arr_cents,
    arpa_cents,
    is_complete
from movements
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, currency
