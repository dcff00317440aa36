/*
grain: One row per user and period in which the user came back.
title: Members of the activity cohorts
description: >-
  The people behind each cell of the activity retention: a cell counts the distinct users of its cohort with a
  row at its offset (mode "on"), at it or a later one ("on_or_after") or at one of the bracket's. Who never
  came back has one row without an offset, so that a cohort's size is its distinct users. Product, first
  product, acquisition and brand style are what breakdown splits by.
key: [user_id, period_index]
parameters:
  grain: {type: choice, choices: [day, week, month], default: month, description: Length of a period.}
  start:
    type: choice
    choices: [signup, first_payment, first_subscription, first_activity]
    default: signup
    description: What puts a user into a cohort.
  return:
    type: choice
    choices: [any, image, photoshoot, video, training, chat, feed, academy, brand, feedback]
    default: any
    description: What counts as coming back.
  since: {type: date, description: The first cohort is the period that holds this day.}
  until: {type: date, description: The last cohort is the period that holds this day.}
columns:
  cohort_period: {unit: date, description: First day of the period in which the user started.}
  period_index: {unit: count, description: "Periods since the start; empty where the user never came back."}
  user_id: {unit: text, description: The user.}
  product: {unit: text, description: "The product that is running now, else the last one bought."}
  first_product: {unit: text, description: The first product bought.}
  acquisition: {unit: text, description: The list from which the user came.}
  brand_style: {unit: text, description: The brand style that the user chose.}
*/
{% import "retention/periods.jinja" as periods %}
{% set start_column = ("signed_up" if start == "signup" else start) ~ "_on" %}
with build as (
    select first_week_on from marts.build_info
),

cohorts as (
    select
        dim_users.*,
        {{ periods.number(grain, start_column) }} as cohort_no,
        {{ periods.first_day(grain, "cohort_no") }} as cohort_period
    from marts.dim_users, build
    where {{ start_column }} is not null
),

returns as (
    select distinct
        user_id,
        {{ periods.number(grain, "activity_on") }} as period_no
    from marts.fct_activity, build
    {% if return != "any" %}where feature = $return{% endif %}
)

select
    cohort_period,
    period_no - cohort_no as period_index,
    cohorts.user_id,
    coalesce(product, '(none)') as product,
    coalesce(first_product, '(none)') as first_product,
    coalesce(acquisition, '(none)') as acquisition,
    coalesce(brand_style, '(none)') as brand_style
from cohorts
cross join build
left join returns on cohorts.user_id = returns.user_id and period_no >= cohort_no
where
    ($since is null or cohort_no >= {{ periods.number(grain, "cast($since as date)") }})
    and ($until is null or cohort_no <= {{ periods.number(grain, "cast($until as date)") }})
order by cohort_period, cohorts.user_id, period_index
