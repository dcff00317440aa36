/*
grain: One row per month and currency.
title: Refund and chargeback rates
description: >-
  What was given back, in two ways. By the month in which it was given back: of payments of any
  month, as a share of the month's payments; one that failed or was won is taken off in the month
  of that. By the month of the payment: of the month's payments, what was given back since and not
  taken back, which grows for months afterwards. Money given back of a payment that nobody knows
  is in the first only. The rates are empty where no source records refunds: neither the database,
  nor a Stripe export for every day of the month.
key: [month, currency]
rows: revenue/payments
carries: period
people: [payer_count, given_back_count]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: refund_rate
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  gross_cents: {unit: cents, description: Payments received.}
  refunded_cents: {unit: cents, description: Refunded in the month.}
  chargeback_cents: {unit: cents, description: Charged back in the month.}
  refund_rate: {unit: rate, description: "Refunded in the month / payments, by amount."}
  chargeback_rate: {unit: rate, description: "Charged back in the month / payments, by amount."}
  refunded_of_month_cents: {unit: cents, description: "Refunded since, of the month's payments."}
  chargeback_of_month_cents: {unit: cents, description: "Charged back since, of the month's payments."}
  refund_rate_of_month: {unit: rate, description: "Refunded since / the month's payments, by amount."}
  chargeback_rate_of_month: {unit: rate, description: "Charged back since / the month's payments, by amount."}
  payment_count: {unit: count, description: Payments above 0.}
  payer_count: {unit: count, same_as: "paid {month} {currency}", description: Distinct customers who paid.}
  given_back_count: {unit: count, description: "Where nobody paid: distinct customers who got money back."}
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
        sum(payment_count) as payment_count,
        bool_and(is_complete) as is_complete
    from marts.revenue_by_month
    group by month, currency
),

given_back as (
{{ given_back.people(["month", "currency"]) }}
),

of_month as (
    select
        received.month,
        received.currency,
        sum(given_back.refunded_cents) as refunded_of_month_cents,
        sum(given_back.chargeback_cents) as chargeback_of_month_cents
    from marts.payments as received
    inner join marts.payments as given_back using (payment_key)
    where received.kind = 'payment' and given_back.kind <> 'payment'
    group by received.month, received.currency
),

final as (
    select
        month,
        currency,
        gross_cents,
        refunded_cents,
        chargeback_cents,
        case when is_captured then refunded_cents / nullif(gross_cents, 0) end as refund_rate,
        case when is_captured then chargeback_cents / nullif(gross_cents, 0) end as chargeback_rate,
        coalesce(refunded_of_month_cents, 0) as refunded_of_month_cents,
        coalesce(chargeback_of_month_cents, 0) as chargeback_of_month_cents,
        case when is_captured then coalesce(refunded_of_month_cents, 0) / nullif(gross_cents, 0) end as refund_rate_of_month,
        case when is_captured then coalesce(chargeback_of_month_cents, 0) / nullif(gross_cents, 0) end
            as chargeback_rate_of_month,
        payment_count,
        payer_count,
        {{ given_back.count }} as given_back_count,
        totals.is_complete
    from totals
    inner join marts.payers_by_month using (month, currency)
    inner join marts.refund_capture using (month)
    left join given_back using (month, currency)
    left join of_month using (month, currency)
    where
        ($since is null or month >= date_trunc('month', cast($since as date)))
        and ($until is null or month <= date_trunc('month', cast($until as date)))
)

select * from final
order by month, currency
