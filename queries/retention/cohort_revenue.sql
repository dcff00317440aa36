/*
grain: One row per segment, cohort period, currency and period index that has begun, and one per segment, currency and period index with the mean.
title: Revenue per cohort
description: >-
  What those who started in one period paid in each later one, net of refunds and chargebacks, and
  up to its end: in total and per person of the whole cohort, payers or not. Money that moved
  before the period of the start is left out. The mean is weighted: all money / all people, over
  the cohorts whose period has ended.
interface: cohorts
key: [segment, cohort_period, currency, period_index]
rows: revenue/payments
carries: forward
people: cohort_size
group: [segment, cohort_period, currency]
identities: [payer_count <= cohort_size]
parameters:
  grain:
    type: choice
    choices: [day, week, two_weeks, month, quarter, year]
    default: month
    description: Length of a period.
  start:
    type: choice
    choices: [first_payment, first_subscription, signup, first_activity]
    default: first_payment
    description: "What puts somebody into a cohort; who has no account has paid, at least."
answer: cumulative_net_cents_per_person
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: date, description: "First day of the period of the start; empty for the mean."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  period_index: {unit: count, description: Periods since the start.}
  cohort_size: {unit: count, adds_up_to: "{start} {currency} {cohort_period} {cohort_period:last {grain}}{only}{without}", same_as: "{start} {cohort_period} {cohort_period:last {grain}}{only}{without} {breakdown} {segment}", description: "People who started in the period, whatever they paid; of the mean, those it rests on."}
  payer_count: {unit: count, of: cohort_size, description: "Of these, who paid in period k."}
  payer_rate: {unit: rate, of: cohort_size, description: Payers / people of the cohort.}
  payment_count: {unit: count, description: Their payments in period k.}
  net_cents: {unit: cents, description: "Received in period k, less what was refunded and charged back in it."}
  cumulative_net_cents: {unit: cents, description: The same from period 0 to the end of period k.}
  cumulative_net_cents_per_person: {unit: cents, description: Cumulative net revenue / people of the cohort.}
  is_complete: {unit: flag, description: Whether period k has ended by as_of.}
  is_in_mean: {unit: flag, description: Whether the mean of its period counts the cell.}
  is_mean: {unit: flag, description: Whether the row is the mean of a period.}
*/
{% import "retention/periods.jinja" as periods %}
{% import "retention/segments.jinja" as segments %}
{% set groups, cohort, window, mode = "segment", "grain", "calendar", "on" %}
{% set started_on = {
    "first_payment": "dim_customers.first_paid_on",
    "first_subscription": "dim_customers.first_subscription_on",
    "signup": "dim_users.signed_up_on",
    "first_activity": "dim_users.first_activity_on",
}[start] %}
with build as (
    select as_of, as_of_on, complete_until_on, first_week_on from marts.build_info
),

starts as (
    select
        coalesce(dim_customers.customer_key, dim_users.customer_key) as customer_key,
        {{ segments.value(breakdown, "coalesce(dim_customers.customer_key, dim_users.customer_key)") }} as segment,
        {{ started_on }} as started_on
    from marts.dim_customers
    full join marts.dim_users on dim_customers.user_id = dim_users.user_id
    where
        {{ started_on }} is not null
        {{ segments.keep(only, without, "coalesce(dim_customers.customer_key, dim_users.customer_key)") }}
),

{% include "retention/frame.jinja" %}

paid as (
    select
        customer_key,
        currency,
        {{ periods.number(grain, "moved_on") }} as period_no,
        count(*) filter (kind = 'payment') as payment_count,
        sum(gross_cents - refunded_cents - chargeback_cents) as net_cents
    from marts.payments, build
    group by all
),

moved as (
    select
        segment,
        cohort_no,
        currency,
        period_no - start_no as first_index,
        count(*) filter (payment_count > 0) as payer_count,
        sum(payment_count) as payment_count,
        sum(net_cents) as net_cents
    from paid
    inner join entrants using (customer_key)
    where period_no >= start_no
    group by all
),

cells as (
    select
        frame.segment,
        cohort_period,
        currencies.currency,
        first_index as period_index,
        cohort_size,
        coalesce(payer_count, 0) as payer_count,
        coalesce(payment_count, 0) as payment_count,
        coalesce(net_cents, 0) as net_cents,
        sum(coalesce(net_cents, 0)) over (
            partition by frame.segment, currencies.currency, cohort_no order by first_index
        ) as cumulative_net_cents,
        has_ended as is_complete,
        has_ended and cohort_size > 0 as is_in_mean
    from frame
    cross join (select distinct currency from moved) as currencies
    left join moved using (segment, cohort_no, currency, first_index)
),

means as (
    select
        segment,
        null as cohort_period,
        currency,
        period_index,
        sum(cohort_size) as cohort_size,
        sum(payer_count) as payer_count,
        sum(payment_count) as payment_count,
        sum(net_cents) as net_cents,
        sum(cumulative_net_cents) as cumulative_net_cents,
        true as is_complete,
        null as is_in_mean,
        true as is_mean
    from cells
    where is_in_mean
    group by all
),

final as (
    select
        *,
        payer_count / nullif(cohort_size, 0) as payer_rate,
        cast(round(cumulative_net_cents / nullif(cohort_size, 0)) as bigint) as cumulative_net_cents_per_person
    from (
        select *, false as is_mean from cells
        union all by name
        select * from means
    )
)

select * from final
order by segment, currency, is_mean, cohort_period, period_index
