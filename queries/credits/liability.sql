/*
grain: One row per currency.
title: Credit liability
description: >-
  Paid credits not used yet, with the ledger replayed in time, at the price paid for them; granted credits
  carry no liability. What will never be used (breakage) is an estimate, in two ways: recognised in
  proportion to use so far, at the rate of earlier purchases; and remote, what is held by users who
  neither used nor bought credits for twelve months.
key: [currency]
rows: credits/credit_lots
carries: now
answer: liability_cents
columns:
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  paid_credits_outstanding: {unit: credits, description: Bought and not used.}
  unpriced_credits_outstanding: {unit: credits, description: "Of these, without a known price."}
  liability_cents: {unit: cents, description: Their price.}
  breakage_rate: {unit: rate, description: "Share of the credits bought twelve months ago or earlier that became remote; an estimate."}
  breakage_proportional_cents: {unit: cents, description: Breakage in proportion to use; an estimate.}
  breakage_remote_cents: {unit: cents, description: Breakage where use is remote; an estimate.}
*/
select
    currency,
    paid_credits_outstanding,
    unpriced_credits_outstanding,
    liability_cents,
    breakage_rate,
    breakage_proportional_cents,
    breakage_remote_cents
from marts.liability
order by currency
