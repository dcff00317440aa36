/*
grain: One row per month, currency and kind.
title: The database against Stripe
description: >-
  The database's payments against Stripe's charges, as far as its exports speak for them. A pair
  has the same payment intent, charge or invoice; where the two share no kind of id, the same
  currency and amount within a day. matched: the same amount and month. only_stripe: a charge that
  the database lacks, such as one whose webhook was missed; revenue is too low by it.
  only_database: a payment without a charge between the first and the last row of a file; revenue
  may be too high by it. amount_differs, month_differs: revenue is the database's; the pair's
  second month has its own row. duplicate: a second payment of a matched charge, or a second
  charge of a matched payment. Over the kinds, database and difference sum to what Stripe has.
  Internal and test accounts are left out on both sides.
key: [month, currency, kind]
rows: revenue/stripe_reconciliation_rows
carries: period
people: customer_count
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  kind: {unit: text, description: "matched, only_database, only_stripe, amount_differs, month_differs or duplicate."}
  row_count: {unit: count, description: "Pairs, payments or charges."}
  customer_count: {unit: count, description: "Distinct customers behind them; one that nobody knows is one more."}
  database_cents: {unit: cents, description: What the database has.}
  stripe_cents: {unit: cents, description: What Stripe has.}
  difference_cents: {unit: cents, description: Stripe's less the database's.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
with people as (
    select
        month,
        currency,
        kind,
        count(distinct coalesce(customer_key, payment_key, charge_key)) as customer_count
    from marts.stripe_reconciliation_rows
    group by month, currency, kind
)

select
    month,
    currency,
    kind,
    row_count,
    coalesce(customer_count, 0) as customer_count,
    database_cents,
    stripe_cents,
    difference_cents,
    is_complete
from marts.stripe_reconciliation
left join people using (month, currency, kind)
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, currency, kind
