/*
grain: One row per currency.
title: Credit liability
description: >-
  Paid credits not used yet, with the ledger replayed in time, at the price paid for them; granted credits
  carry no liability. What will never be used (breakage) is an estimate, in two ways: recognised in
  proportion to use so far, at the rate of earlier purchases; and remote, what is held by users who
  neither used nor bought credits for twelve months.
key: [currency]
people: user_count
rows: credits/credit_lots
carries: now
answer: liability_cents
columns:
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  paid_credits_outstanding: {unit: credits, description: Bought and not used.}
  unpriced_credits_outstanding: {unit: credits, description: "Of these, without a known price."}
  liability_cents: {unit: cents, description: Their price.}
  breakage_rate: {unit: rate, of: old_user_count, has_interval: false, description: "Share of the credits bought twelve months ago or earlier that became remote; an estimate."}
  breakage_proportional_cents: {unit: cents, of: old_user_count, description: Breakage in proportion to use; an estimate.}
  breakage_remote_cents: {unit: cents, description: Breakage where use is remote; an estimate.}
  user_count: {unit: count, description: Users who hold such credits.}
  old_user_count: {unit: count, description: Users whose purchases of twelve months ago or earlier give the rate.}
*/
with people as (
    select
        currency,
        count(distinct user_id) filter (outstanding_credits <> 0) as user_count,
        count(distinct user_id) filter (is_old and not is_given_back) as old_user_count
    from marts.credit_lots
    group by currency
)

select
    currency,
    paid_credits_outstanding,
    unpriced_credits_outstanding,
    liability_cents,
    breakage_rate,
    breakage_proportional_cents,
    breakage_remote_cents,
    user_count,
    old_user_count
from marts.liability
inner join people using (currency)
order by currency
