/*
grain: One row per movement in Stripe's exports.
title: Movements of Stripe's exports
description: >-
  The rows behind Stripe's fees: every row of a balance file, and of a payments file the charges,
  refunds and disputes of days that no balance file covers, each by its own day, in the account's
  currency. The standing says whether a row counts in revenue, and why not.
key: [move_key]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  move_key: {unit: text, description: "Stripe's balance transaction, or the payment of a payments file."}
  month: {unit: month, description: "The month, in the reporting zone."}
  moved_on: {unit: date, description: The day on which it moved.}
  category: {unit: text, description: "What moved, in the words of the itemized report."}
  standing: {unit: text, description: "matched, duplicate, only_stripe or excluded of a charge; counted, or why not, of money given back."}
  payment_key: {unit: text, description: "The payment, where one is known."}
  customer_key: {unit: text, description: "The customer, where one is known."}
  currency: {unit: text, description: The account's currency.}
  charged_cents: {unit: cents, description: Charged.}
  returned_cents: {unit: cents, description: Given back; negative where it came back.}
  settled_gross_cents: {unit: cents, description: Charged less given back.}
  fee_cents: {unit: cents, description: Stripe's fee.}
  settled_net_cents: {unit: cents, description: What is left after the fee.}
*/
select
    move_key,
    month,
    moved_on,
    category,
    standing,
    payment_key,
    customer_key,
    currency,
    charged_cents,
    returned_cents,
    settled_gross_cents,
    fee_cents,
    settled_net_cents
from marts.stripe_movements
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by moved_on desc, move_key
