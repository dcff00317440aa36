/*
grain: One row per month.
title: Margin by month
description: >-
  Net revenue in US dollars and the assumed cost of the credits used. The cost per credit is an
  assumption of a seed, so the margin is an estimate, not a measurement.
key: [month]
rows: [revenue/payments, credits/credit_entries]
carries: period
group_size: payment_count
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  payment_count: {unit: count, description: Payments received.}
  net_cents: {unit: cents, description: Payments minus refunds and chargebacks.}
  cost_cents: {unit: cents, description: Credits used at the assumed cost of their feature.}
  margin_cents: {unit: cents, description: Net revenue minus the assumed cost.}
  margin_rate: {unit: rate, description: Margin / net revenue; empty where net revenue is not above 0.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
with revenue as (
    select
        month,
        sum(payment_count) as payment_count,
        sum(net_cents) as net_cents,
        bool_and(is_complete) as is_complete
    from marts.revenue_by_month
    where currency = 'usd'
    group by month
),

costs as (
    select month, sum(cost_cents) as cost_cents
    from marts.usage_by_feature
    group by month
)

select
    month,
    payment_count,
    net_cents,
    coalesce(cost_cents, 0) as cost_cents,
    net_cents - coalesce(cost_cents, 0) as margin_cents,
    case when net_cents > 0 then (net_cents - coalesce(cost_cents, 0)) / net_cents end as margin_rate,
    is_complete
from revenue
left join costs using (month)
order by month
