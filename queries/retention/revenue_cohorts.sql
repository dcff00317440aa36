/*
grain: One row per segment, cohort month, currency and period index.
title: Revenue retention
description: >-
  The MRR of a cohort at the end of month k, and its share of the MRR at the end of month 0.
  Above 100 % the cohort pays more than when it joined. A cell that has not begun is empty,
  not 0.
key: [segment, cohort_period, currency, period_index]
rows: [retention/cohort_members, revenue/mrr_by_member]
carries: forward
people: cohort_size
part_of: [[segment, currency, period_index], [cohort_period, currency, period_index]]
parameters:
  breakdown:
    type: choice
    choices: [none, product, first_product, acquisition, brand_style]
    default: none
    description: What splits a cohort into segments.
  since: {type: date, description: The first month is the one that holds this day.}
  until: {type: date, description: The last month is the one that holds this day.}
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: month, description: Month of first membership.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  period_index: {unit: count, description: Months since.}
  cohort_size: {unit: count, description: Members who joined in the month.}
  mrr_cents: {unit: cents, description: The cohort's MRR at the end of month k.}
  revenue_retention_rate: {unit: rate, description: MRR at k / MRR at the end of month 0.}
  is_complete: {unit: flag, description: Whether month k has ended by as_of.}
*/
{% set attribute = {
    "product": "dim_users.product",
    "first_product": "dim_customers.first_product",
    "acquisition": "dim_customers.acquisition",
    "brand_style": "dim_users.brand_style",
} %}
with cells as (
{% if breakdown == "none" %}
    select 'all' as segment, * from marts.revenue_cohorts
{% else %}
    with members as (
        select distinct
            mrr_by_member.customer_key,
            currency,
            subscriber_cohort_month as cohort_period,
            coalesce({{ attribute[breakdown] }}, '(none)') as segment
        from marts.mrr_by_member
        inner join marts.dim_customers
            on mrr_by_member.customer_key = dim_customers.customer_key
        left join marts.dim_users using (user_id)
    ),

    months as (
        select month, is_complete from marts.dim_months
        where month >= (select min(cohort_period) from members)
    ),

    sizes as (
        select
            series.segment,
            series.currency,
            months.month as cohort_period,
            count(customer_key) as cohort_size
        from months
        cross join (select distinct segment, currency from members) as series
        left join members
            on
                members.cohort_period = months.month
                and members.segment = series.segment
                and members.currency = series.currency
        group by all
    ),

    carried as (
        select segment, currency, members.cohort_period, month, sum(mrr_cents) as mrr_cents
        from marts.member_months
        inner join members using (customer_key, currency)
        group by all
    ),

    counted as (
        select
            sizes.segment,
            sizes.currency,
            sizes.cohort_period,
            date_diff('month', first.month, months.month) as period_index,
            sizes.cohort_period + period_index * interval 1 month as month,
            sizes.cohort_size
        from sizes, months, (select min(month) as month from months) as first
    )

    select
        counted.segment,
        counted.cohort_period,
        counted.currency,
        counted.period_index,
        counted.cohort_size,
        case when months.month is not null then coalesce(carried.mrr_cents, 0) end as mrr_cents,
        first_value(case when months.month is not null then coalesce(carried.mrr_cents, 0) end)
            over (
                partition by counted.segment, counted.currency, counted.cohort_period
                order by counted.period_index
            ) as first_mrr_cents,
        case when months.month is not null then coalesce(carried.mrr_cents, 0) end
            / nullif(first_mrr_cents, 0) as revenue_retention_rate,
        coalesce(months.is_complete, false) as is_complete
    from counted
    left join months on counted.month = months.month
    left join carried
        on
            counted.segment = carried.segment
            and counted.currency = carried.currency
            and counted.cohort_period = carried.cohort_period
            and counted.month = carried.month
{% endif %}
)

select
    segment,
    cohort_period,
    currency,
    period_index,
    cohort_size,
    mrr_cents,
    revenue_retention_rate,
    is_complete
from cells
where
    ($since is null or cohort_period >= date_trunc('month', cast($since as date)))
    and ($until is null or cohort_period <= date_trunc('month', cast($until as date)))
order by segment, cohort_period, currency, period_index
