/*
grain: One row per payment, charge, or pair of both; two where the pair is in two months.
title: Payments and charges side by side
description: >-
  The rows behind the database against Stripe: each payment with the charge that it is, payments
  without a charge and charges without a payment.
key: [row_key]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
  kind: {type: choice, default: all, choices: [all, different, matched, only_database, only_stripe, amount_differs, month_differs, duplicate], description: Which rows.}
columns:
  row_key: {unit: text, description: "The payment's key, or the charge's."}
  month: {unit: month, description: "The month, in the reporting zone."}
  kind: {unit: text, description: "matched, only_database, only_stripe, amount_differs, month_differs or duplicate."}
  payment_key: {unit: text, description: "The payment, where the database has one."}
  charge_key: {unit: text, description: "The charge's balance transaction or payment, where Stripe has one."}
  customer_key: {unit: text, description: "The customer, where one is known."}
  product_type: {unit: text, description: The product of the payment.}
  paid_on: {unit: date, description: The payment's day.}
  charged_on: {unit: date, description: The charge's day.}
  currency: {unit: text, description: The currency.}
  row_count: {unit: count, description: "1, or 0 of the second row of a pair."}
  database_cents: {unit: cents, description: What the database has.}
  stripe_cents: {unit: cents, description: What Stripe has.}
  difference_cents: {unit: cents, description: Stripe's less the database's.}
*/
select
    row_key,
    month,
    kind,
    payment_key,
    charge_key,
    customer_key,
    product_type,
    paid_on,
    charged_on,
    currency,
    row_count,
    database_cents,
    stripe_cents,
    difference_cents
from marts.stripe_reconciliation_rows
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
    and ($kind in ('all', kind) or ($kind = 'different' and kind <> 'matched'))
order by month desc, kind, currency, row_key
