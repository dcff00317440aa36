/*
grain: One row per refund or chargeback on which Stripe's exports and the database differ.
title: Stripe's findings
description: >-
  What an export says and cannot be counted: of a charge that the database does not have, or in another
  currency than its payment, where the export lacks the columns customer_facing_*. And what only the
  database tells of days that an export covers, which counts.
key: [finding_key]
columns:
  finding_key: {unit: text, description: "Stripe's balance transaction, or the row of the database."}
  finding: {unit: text, description: "charge not in the database, other currency, wrong sign or only in the database."}
  kind: {unit: text, description: refund or chargeback.}
  month: {unit: month, description: "The month in which it was given back, in the reporting zone."}
  given_back_on: {unit: date, description: The day.}
  payment_key: {unit: text, description: "The payment, where one is known."}
  customer_key: {unit: text, description: "The customer, where one is known."}
  currency: {unit: text, description: The currency of the amount.}
  amount_cents: {unit: cents, description: The amount; negative where it was taken back.}
*/
select
    finding_key,
    finding,
    kind,
    month,
    given_back_on,
    payment_key,
    customer_key,
    currency,
    amount_cents
from marts.stripe_findings
order by given_back_on desc, finding_key
