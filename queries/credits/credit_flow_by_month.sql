/*
grain: One row per month.
title: Credit flow
description: >-
  Credits on the ledger from the month's opening to its close. Used is the sum of every spend,
  returns taken off; adjusted holds the ledger's refund rows, of either sign. closing =
  opening + purchased + granted + bonus + adjusted - used -
  expired.
key: [month]
rows: credits/credit_entries
carries: forward
parameters:
  since: {type: date, description: The first month is the one that holds this day.}
  until: {type: date, description: The last month is the one that holds this day.}
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  opening_credits: {unit: credits, description: On the ledger at the opening.}
  purchased_credits: {unit: credits, description: Bought.}
  granted_credits: {unit: credits, description: Given with a membership.}
  bonus_credits: {unit: credits, description: Given away.}
  adjusted_credits: {unit: credits, description: Returned or taken back.}
  used_credits: {unit: credits, description: Spent.}
  expired_credits: {unit: credits, description: "Expired, which is no use."}
  closing_credits: {unit: credits, description: On the ledger at the close.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    month,
    opening_credits,
    purchased_credits,
    granted_credits,
    bonus_credits,
    adjusted_credits,
    used_credits,
    expired_credits,
    closing_credits,
    is_complete
from marts.credit_flow_by_month
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month
