/*
grain: One row per month.
title: Churn by month
description: >-
  Members at the start of the month, who joined, who left and how. A member has left when paid
  coverage ended and no renewal followed within the grace period; until then the loss is
  provisional (in grace). Voluntary: cancelled without a failed payment. Involuntary: a payment
  failed. Unknown: the source has overwritten the reason. Logo churn rate = opening members gone
  at the close / opening members.
key: [month]
rows: [churn/churn_by_member, churn/memberships, retention/cohort_members]
carries: forward
people: [opening_member_count, closing_member_count]
identities:
  - closing_member_count = opening_member_count + new_member_count + reactivated_count - churned_member_count
  - churned_member_count = voluntary_count + involuntary_count + unknown_count
  - opening_member_count = before.closing_member_count
  - opening_churned_count <= opening_member_count
  - opening_churned_count <= churned_member_count
  - after_chargeback_count <= involuntary_count
  - in_grace_count <= churned_member_count
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  opening_member_count: {unit: count, description: Members at the first instant of the month.}
  new_member_count: {unit: count, same_as: "joined {month} {month:last month}", description: Members for the first time.}
  reactivated_count: {unit: count, description: Former members who came back.}
  churned_member_count: {unit: count, description: All losses of the month.}
  opening_churned_count: {unit: count, description: Members at the opening who are gone at the close.}
  voluntary_count: {unit: count, description: Losses after a cancellation.}
  involuntary_count: {unit: count, description: Losses after a failed payment or a chargeback.}
  after_chargeback_count: {unit: count, description: "Of them, losses after a chargeback such as a lost dispute."}
  unknown_count: {unit: count, description: Losses whose reason the source has overwritten.}
  in_grace_count: {unit: count, description: Losses that a late renewal may still take back.}
  closing_member_count: {unit: count, same_as: "members on {month:last month}", description: "Members at the end of the month, or as of now while it runs."}
  logo_churn_rate: {unit: rate, of: opening_member_count, made_of: opening_churned_count, description: Members at the start of the month who had left by its end / members at its start.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    month,
    opening_member_count,
    new_member_count,
    reactivated_count,
    churned_member_count,
    opening_churned_count,
    voluntary_count,
    involuntary_count,
    after_chargeback_count,
    unknown_count,
    in_grace_count,
    closing_member_count,
    logo_churn_rate,
    is_complete
from marts.churn_by_month
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month
