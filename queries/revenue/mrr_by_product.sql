/*
grain: One row per period, currency and product.
title: MRR by product
description: >-
  Contract MRR and members at the last instant of the period, by product. Over the products MRR
  sums to that of the MRR movements; a member with two products counts in both.
key: [period, currency, product_type]
rows: revenue/mrr_by_plan
carries: forward
people: member_count
part_of: [period, currency]
parameters:
  grain: {type: choice, choices: [day, month], default: month, description: Length of a period.}
  since: {type: date, description: The first period is the one that holds this day.}
  until: {type: date, description: The last period is the one that holds this day.}
answer: mrr_cents
columns:
  period: {unit: date, description: First day of the period.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  product_type: {unit: text, description: The product.}
  mrr_cents: {unit: cents, description: "MRR at the end of the period, or as of now while it runs."}
  member_count: {unit: count, same_as: "members of {product_type} on {period:last {grain}} {currency}", covers: "members on {period:last {grain}} {currency}", description: Members with MRR of the product then.}
  is_complete: {unit: flag, description: Whether the period has ended by as_of.}
*/
select
    period,
    currency,
    product_type,
    mrr_cents,
    member_count,
    is_complete
from marts.mrr_by_product
where
    grain = $grain
    and ($since is null or period >= date_trunc($grain, cast($since as date)))
    and ($until is null or period <= date_trunc($grain, cast($until as date)))
order by period, currency, product_type
