/*
grain: One row per segment, cohort period, currency and period index that has begun, and one per segment, currency and period index with the mean.
title: Revenue retention
description: >-
  The MRR of a cohort at the end of period k (at as_of while it runs), and its share of the MRR at
  the end of period 0. Above 100 % the cohort pays more than when it joined. The mean is weighted:
  all MRR at k / all MRR at 0, over the cohorts whose period has ended.
interface: cohorts
key: [segment, cohort_period, currency, period_index]
rows: [retention/cohort_members, revenue/mrr_by_member]
carries: forward
people: cohort_size
group: [segment, cohort_period, currency]
parameters:
  grain: {type: choice, choices: [month, quarter, year], default: month, description: Length of a period.}
answer: revenue_retention_rate
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: date, description: "First day of the period of first membership; empty for the mean."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  period_index: {unit: count, description: Periods since.}
  cohort_size: {unit: count, covers: "joined {cohort_period} {cohort_period:last {grain}}{only}{without}", adds_up_to: "joined {currency} {cohort_period} {cohort_period:last {grain}}{only}{without}", description: "Members who joined in the period and ever had MRR in the currency; of the mean, those it rests on."}
  first_mrr_cents: {unit: cents, description: The cohort's MRR at the end of period 0.}
  mrr_cents: {unit: cents, description: The cohort's MRR at the end of period k.}
  revenue_retention_rate: {unit: rate, description: MRR at k / MRR at the end of period 0.}
  previous_rate: {unit: rate, description: "MRR at k / MRR at the end of the period before; empty for means."}
  is_complete: {unit: flag, description: Whether period k has ended by as_of.}
  is_in_mean: {unit: flag, description: Whether the mean of its period counts the cell.}
  is_mean: {unit: flag, description: Whether the row is the mean of a period.}
*/
{% import "retention/periods.jinja" as periods %}
{% import "retention/segments.jinja" as segments %}
{% set groups, cohort, window, mode = "segment, currency", "grain", "calendar", "on" %}
with build as (
    select as_of, as_of_on, as_of_month, complete_until_on from marts.build_info
),

starts as (
    select
        dim_customers.customer_key,
        currencies.currency,
        {{ segments.value(breakdown, "dim_customers.customer_key") }} as segment,
        subscriber_cohort_month as started_on
    from marts.dim_customers
    inner join (select distinct customer_key, currency from marts.mrr_by_member) as currencies
        on dim_customers.customer_key = currencies.customer_key
    left join marts.dim_users on dim_customers.user_id = dim_users.user_id
    where
        subscriber_cohort_month is not null
        {{ segments.keep(only, without, "dim_customers.customer_key") }}
),

{% include "retention/frame.jinja" %}

-- At the last month of a period, or the running one.
held as (
    select
        segment,
        currency,
        cohort_no,
        {{ periods.number(grain, "month") }} - start_no as first_index,
        sum(mrr_cents) as mrr_cents
    from marts.member_months
    inner join entrants using (customer_key, currency)
    cross join build
    {% if grain != "month" %}
    where
        {{ periods.number(grain, "cast(month + interval 1 month as date)") }} > {{ periods.number(grain, "month") }}
        or month = as_of_month
    {% endif %}
    group by all
),

cells as (
    select
        segment,
        currency,
        cohort_period,
        first_index as period_index,
        cohort_size,
        first_value(coalesce(mrr_cents, 0)) over by_age as first_mrr_cents,
        coalesce(mrr_cents, 0) as mrr_cents,
        lag(coalesce(mrr_cents, 0)) over by_age as before_mrr_cents,
        has_ended as is_complete,
        has_ended and cohort_size > 0 as is_in_mean
    from frame
    left join held using (segment, currency, cohort_no, first_index)
    window by_age as (partition by segment, currency, cohort_no order by first_index)
),

means as (
    select
        segment,
        currency,
        period_index,
        sum(cohort_size) as cohort_size,
        sum(first_mrr_cents) as first_mrr_cents,
        sum(mrr_cents) as mrr_cents
    from cells
    where is_in_mean
    group by all
),

final as (
    select
        segment,
        cohort_period,
        currency,
        period_index,
        cohort_size,
        first_mrr_cents,
        mrr_cents,
        mrr_cents / nullif(first_mrr_cents, 0) as revenue_retention_rate,
        mrr_cents / nullif(before_mrr_cents, 0) as previous_rate,
        is_complete,
        is_in_mean,
        false as is_mean
    from cells
    union all
    select
        segment,
        null as cohort_period,
        currency,
        period_index,
        cohort_size,
        first_mrr_cents,
        mrr_cents,
        mrr_cents / nullif(first_mrr_cents, 0) as revenue_retention_rate,
        null as previous_rate,
        true as is_complete,
        null as is_in_mean,
        true as is_mean
    from means
)

select * from final
order by segment, currency, is_mean, cohort_period, period_index
