/*
grain: One row per month and currency of the account.
title: Stripe's fees
description: >-
  What Stripe settled in the account's currency, its fees and what is left, by its exports.
  Fees count by the day on which they were taken: those of charges, disputes and payouts, and
  Stripe's own such as those of Billing; one that comes back is taken off. Fees of internal and
  test accounts are in it, because they were paid. Only days that an export covers have rows.
key: [month, currency]
rows: revenue/stripe_movements
carries: period
people: customer_count
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The account's currency; amounts of different currencies are never added.}
  charged_cents: {unit: cents, description: Charges.}
  returned_cents: {unit: cents, description: "Refunds and disputes, less those that came back."}
  settled_gross_cents: {unit: cents, description: Charges less what was returned.}
  fee_cents: {unit: cents, description: Fees.}
  settled_net_cents: {unit: cents, description: What is left after fees.}
  charge_count: {unit: count, description: Charges.}
  customer_count: {unit: count, description: "Distinct customers behind charges, refunds and disputes; one that nobody knows is one more."}
  fee_rate: {unit: rate, description: "Fees / charges, by amount."}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
with people as (
    select
        month,
        currency,
        count(distinct coalesce(customer_key, payment_key, move_key)) as customer_count
    from marts.stripe_movements
    where charged_cents <> 0 or returned_cents <> 0
    group by month, currency
)

select
    month,
    currency,
    charged_cents,
    returned_cents,
    settled_gross_cents,
    fee_cents,
    settled_net_cents,
    charge_count,
    coalesce(customer_count, 0) as customer_count,
    fee_cents / nullif(charged_cents, 0) as fee_rate,
    is_complete
from marts.stripe_fees
left join people using (month, currency)
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, currency
