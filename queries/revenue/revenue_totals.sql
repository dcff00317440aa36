/*
grain: One row per month and currency.
title: Revenue totals
description: >-
  Money received, refunded and charged back in the month, over all products (cash view). A payment
  counts once, however often the source stores it; one given back stays in gross, and its refund
  or chargeback counts in its own month; one that failed or was won is taken off again in the
  month of that. Amounts are as paid: a tax inside them stays inside. Where the database holds no
  refund at all and no Stripe export covers the month, the refund rate is empty: refunds were
  not captured.
key: [month, currency]
rows: revenue/payments
carries: period
people: [payer_count, given_back_count]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: net_cents
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  gross_cents: {unit: cents, description: Payments received.}
  refunded_cents: {unit: cents, description: Refunds made.}
  chargeback_cents: {unit: cents, description: "Chargebacks, but for those that were won."}
  net_cents: {unit: cents, description: Gross minus refunds and chargebacks.}
  payment_count: {unit: count, description: Payments above 0.}
  payer_count: {unit: count, same_as: "paid {month} {currency}", description: Distinct customers who paid.}
  given_back_count: {unit: count, description: "Where nobody paid: distinct customers who got money back."}
  refund_rate: {unit: rate, description: "Refunds / payments, by amount; empty where no source records refunds."}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
{% import "revenue/given_back.jinja" as given_back %}
with totals as (
    select
        month,
        currency,
        sum(gross_cents) as gross_cents,
        sum(refunded_cents) as refunded_cents,
        sum(chargeback_cents) as chargeback_cents,
        sum(net_cents) as net_cents,
        sum(payment_count) as payment_count,
        bool_and(is_complete) as is_complete
    from marts.revenue_by_month
    group by month, currency
),

given_back as (
{{ given_back.people(["month", "currency"]) }}
),

final as (
    select
        totals.*,
        payer_count,
        {{ given_back.count }} as given_back_count,
        case when is_captured then refunded_cents / nullif(gross_cents, 0) end as refund_rate
    from totals
    inner join marts.payers_by_month using (month, currency)
    inner join marts.refund_capture using (month)
    left join given_back using (month, currency)
    where
        ($since is null or month >= date_trunc('month', cast($since as date)))
        and ($until is null or month <= date_trunc('month', cast($until as date)))
)

select * from final
order by month, currency
