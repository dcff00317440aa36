/*
grain: One row per user with a balance or a ledger.
title: Ledger gaps
description: >-
  The stored balance minus the sum of the ledger, per user. Some spends never reach the
  ledger; the gap is reported, not hidden. The balance is the one stored now, also for an as_of in the
  past, since the source overwrites it: only the present gaps are known.
key: [user_id]
rows: credits/credit_entries
carries: now
columns:
  user_id: {unit: text, description: The user.}
  balance: {unit: credits, description: The stored balance.}
  ledger_balance: {unit: credits, description: The sum of the ledger.}
  gap_credits: {unit: credits, description: Balance minus ledger.}
*/
select
    user_id,
    balance,
    ledger_balance,
    gap_credits
from marts.ledger_gaps
order by abs(gap_credits) desc, user_id
