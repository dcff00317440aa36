/*
grain: One row per currency.
title: Credit liability
description: >-
  Paid credits not used yet, first in first out, at the price paid for them; granted credits
  carry no liability. What will never be used (breakage) is an estimate, in two ways:
  proportional to use so far, and remote, only for credits whose owners are long gone.
key: [currency]
rows: credits/credit_lots
carries: now
columns:
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  paid_credits_outstanding: {unit: credits, description: Bought and not used.}
  unpriced_credits_outstanding: {unit: credits, description: "Of these, without a known price."}
  liability_cents: {unit: cents, description: Their price.}
  breakage_rate: {unit: rate, description: Share of bought credits expected never to be used; an estimate.}
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
