/*
grain: One row per month and currency.
title: Margin by month
description: >-
  Net revenue in each currency, and the credits that those who pay in it used: a person's currency is
  that of the last payment up to the day of use, else of the first. Credits of people who never paid are
  in no row. The cost per credit is an assumption of a seed, so the margin is an estimate, not a
  measurement; it is made in US cents, so cost and margin are there for US dollars only.
key: [month, currency]
rows: [revenue/payments, credits/credit_entries]
carries: period
people: [payer_count, given_back_count, user_count]
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  payment_count: {unit: count, description: Payments received.}
  payer_count: {unit: count, same_as: "paid {month} {currency}", description: Distinct customers who paid.}
  given_back_count: {unit: count, description: "Where nobody paid: distinct customers who got money back."}
  net_cents: {unit: cents, description: Payments minus refunds and chargebacks.}
  used_credits: {unit: credits, description: Credits used by those who pay in the currency.}
  user_count: {unit: count, description: Distinct users of these credits.}
  cost_cents: {unit: cents, description: "Those at the assumed cost of their feature, of US dollars only."}
  margin_cents: {unit: cents, description: "Net revenue minus the assumed cost, of US dollars only."}
  margin_rate: {unit: rate, description: Margin / net revenue; empty where net revenue is not above 0.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
{% import "revenue/given_back.jinja" as given_back %}
with revenue as (
    select
        month,
        currency,
        sum(payment_count) as payment_count,
        sum(net_cents) as net_cents,
        bool_and(is_complete) as is_complete
    from marts.revenue_by_month
    group by month, currency
),

given_back as (
{{ given_back.people(["month", "currency"]) }}
),

paid as (
    select dim_customers.user_id, payments.moved_on as paid_on, max(payments.currency) as currency
    from marts.payments
    inner join marts.dim_customers using (customer_key)
    where payments.kind = 'payment'
    group by dim_customers.user_id, payments.moved_on
),

first_paid as (
    select user_id, arg_min(currency, paid_on) as currency
    from paid
    group by user_id
),

costs as (
    select
        entries.month,
        coalesce(last_paid.currency, first_paid.currency) as currency,
        -sum(entries.credits) as used_credits,
        count(distinct entries.user_id) as user_count,
        sum(entries.cost_cents) as cost_cents
    from marts.credit_entries as entries
    inner join first_paid using (user_id)
    asof left join paid as last_paid
        on entries.user_id = last_paid.user_id and entries.transacted_on >= last_paid.paid_on
    where entries.kind = 'used'
    group by all
),

compared as (
    select
        month,
        currency,
        payment_count,
        payer_count,
        {{ given_back.count }} as given_back_count,
        revenue.net_cents,
        coalesce(used_credits, 0)::bigint as used_credits,
        coalesce(user_count, 0) as user_count,
        case when currency = 'usd' then coalesce(cost_cents, 0) end as cost_cents,
        revenue.is_complete
    from revenue
    inner join marts.payers_by_month using (month, currency)
    left join given_back using (month, currency)
    left join costs using (month, currency)
)

select
    month,
    currency,
    payment_count,
    payer_count,
    given_back_count,
    net_cents,
    used_credits,
    user_count,
    cost_cents,
    net_cents - cost_cents as margin_cents,
    case when net_cents > 0 then (net_cents - cost_cents) / net_cents end as margin_rate,
    is_complete
from compared
order by month, currency
