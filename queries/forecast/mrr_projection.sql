/*
grain: One row per month to come and currency.
title: MRR projection
description: >-
  MRR at the end of each of the next twelve months, from the close of the last month whose losses
  no late renewal can take back. A simulation: members leave as the survival model says, its
  parameters drawn from their likelihood; the MRR of members who stay changes as in a randomly
  drawn month of the last twelve; in the total, joins and returns follow the trend of the last
  twelve months, which fades, at the prices of one of them, and leave as new members do. No price
  change, campaign or season is known to it. 95 of 100 simulated courses end between low and high,
  50 between p25 and p75, if that holds. With fewer than 50 memberships, 10 losses, 20 members of
  the currency or 6 months there is a note instead of numbers.
key: [month, currency]
people: n
answer: total_mid_cents
columns:
  month: {unit: month, description: "The month, at its end."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  n: {unit: count, same_as: "members on {origin_month:last month} {currency}", description: Members with MRR in the currency at the origin.}
  origin_mrr_cents: {unit: cents, description: MRR at the origin.}
  months_ahead: {unit: count, description: Months after the origin.}
  origin_month: {unit: month, description: "The month from whose close it is projected."}
  existing_low_cents: {unit: cents, description: "MRR of those members, lower end (2.5 % of courses are below)."}
  existing_mid_cents: {unit: cents, description: "MRR of those members, median."}
  existing_high_cents: {unit: cents, description: "MRR of those members, upper end (2.5 % are above)."}
  total_low_cents: {unit: cents, description: "MRR with who joins, lower end (2.5 % of courses are below)."}
  total_p25_cents: {unit: cents, description: "MRR with who joins, lower quartile."}
  total_mid_cents: {unit: cents, description: "MRR with who joins, median."}
  total_p75_cents: {unit: cents, description: "MRR with who joins, upper quartile."}
  total_high_cents: {unit: cents, description: "MRR with who joins, upper end (2.5 % are above)."}
  model: {unit: text, description: "The survival model: sBG or BdW."}
  note: {unit: text, of: n, description: Why there are no numbers.}
*/
select
    month,
    currency,
    n,
    origin_mrr_cents,
    months_ahead,
    origin_month,
    existing_low_cents,
    existing_mid_cents,
    existing_high_cents,
    total_low_cents,
    total_p25_cents,
    total_mid_cents,
    total_p75_cents,
    total_high_cents,
    model,
    note
from forecast.mrr_projection
order by month, currency
