/*
grain: One row per segment, cohort period, currency and period index that has begun.
title: Revenue retention
description: >-
  The MRR of a cohort at the end of period k (at as_of while it runs), and its share of the MRR at
  the end of period 0. Above 100 % the cohort pays more than when it joined.
key: [segment, cohort_period, currency, period_index]
rows: [retention/cohort_members, revenue/mrr_by_member]
carries: forward
people: cohort_size
group: [segment, cohort_period, currency]
part_of: [[segment, currency], [cohort_period, currency]]
refuse:
  - {when: {top: given, breakdown: none}, because: nothing is split}
parameters:
  grain: {type: choice, choices: [month, quarter, year], default: month, description: Length of a period.}
  breakdown: {type: split, of: [dim_users, dim_customers], description: "What splits a cohort into segments, as it is now."}
  top: {type: integer, default: 20, minimum: 1, description: "How many segments to show, the largest; the others are (other)."}
  only: {type: segment, description: Take only the people of this segment.}
  without: {type: segment, description: Leave out the people of this segment.}
  periods: {type: integer, minimum: 1, on_screen: 18, description: "How many periods to show, from 0; all without, but on a terminal."}
  since: {type: date, description: The first cohort is the period that holds this day.}
  until: {type: date, description: The last cohort is the period that holds this day.}
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: date, description: First day of the period of first membership.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  period_index: {unit: count, description: Periods since.}
  cohort_size: {unit: count, description: Members who joined in the period and ever had MRR in the currency.}
  mrr_cents: {unit: cents, description: The cohort's MRR at the end of period k.}
  revenue_retention_rate: {unit: rate, description: MRR at k / MRR at the end of period 0.}
  is_complete: {unit: flag, description: Whether period k has ended by as_of.}
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
    where
        {{ periods.number(grain, "cast(month + interval 1 month as date)") }} > {{ periods.number(grain, "month") }}
        or month = as_of_month
    group by all
),

final as (
    select
        segment,
        cohort_period,
        currency,
        first_index as period_index,
        cohort_size,
        coalesce(mrr_cents, 0) as mrr_cents,
        coalesce(mrr_cents, 0) / nullif(first_value(coalesce(mrr_cents, 0)) over (
            partition by segment, currency, cohort_no order by first_index
        ), 0) as revenue_retention_rate,
        has_ended as is_complete
    from frame
    left join held using (segment, currency, cohort_no, first_index)
)

select * from final
order by segment, cohort_period, currency, period_index
