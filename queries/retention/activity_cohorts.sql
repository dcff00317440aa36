/*
grain: One row per segment, cohort period and period index.
title: Activity retention
description: >-
  Of the users who started in one period, the share who came back in a later one. The start is
  signup, first payment (of any kind, above 0, refunded or not), first subscription or first
  activity; the return is any activity, or one feature. Periods are calendar days, weeks (from
  Monday) or months of the reporting zone. Period 0 is the whole period of the start, what
  happened before the start's instant included. Mode "on" counts who was active in period k,
  "on_or_after" who was active in period k or any later one up to as_of, "bracket" who was active
  in any period of a bracket. Every user is in exactly one cohort. A cell that has not begun is
  empty, not 0.
key: [segment, cohort_period, period_index, period_label]
rows: [retention/activity_cohort_members, engagement/activity_by_user]
carries: period
people: cohort_size
part_of: [[segment, period_index, period_label], [cohort_period, period_index, period_label]]
parameters:
  grain: {type: choice, choices: [day, week, month], default: month, description: Length of a period.}
  mode:
    {type: choice, choices: ["on", on_or_after, bracket], default: "on", description: What counts as retained.}
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
  breakdown:
    type: choice
    choices: [none, product, first_product, acquisition, brand_style]
    default: none
    description: What splits a cohort into segments.
  brackets:
    type: ranges
    needs: {mode: bracket}
    default: 0,1-3,4-7,8-14
    description: Ranges of period indexes, e.g. 1-3,4-7,8-14.
  since: {type: date, description: The first cohort is the period that holds this day.}
  until: {type: date, description: The last cohort is the period that holds this day.}
columns:
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: date, description: First day of the period in which the users started.}
  period_index: {unit: count, description: "Periods since the start; of a bracket, its first."}
  period_label: {unit: text, description: "The index, or the bracket, as text."}
  cohort_size: {unit: count, description: Users who started in the period.}
  at_risk_count: {unit: count, description: "Cohort size once period k has begun, else empty."}
  retained_count: {unit: count, description: Users of the cohort who came back in period k.}
  retention_rate: {unit: rate, of: at_risk_count, interval: [low, high], description: Retained / at risk.}
  is_complete: {unit: flag, description: Whether period k has ended by as_of.}
*/
{% set start_column = ("signed_up" if start == "signup" else start) ~ "_on" %}
with build as (
    select as_of_on, complete_until_on from marts.build_info
),

starts as (
    select
        user_id,
        {% if breakdown == "none" %}'all'{% else %}coalesce({{ breakdown }}, '(none)'){% endif %}
            as segment,
        cast(date_trunc('{{ grain }}', {{ start_column }}) as date) as cohort_period
    from marts.dim_users
    where {{ start_column }} is not null
),

cohorts as (
    select
        segment,
        cohort_period,
        count(*) as cohort_size
    from starts
    group by all
),

dense_cohorts as (
    select
        segment,
        cohort_period,
        coalesce(cohort_size, 0) as cohort_size
    from (
        select cast(unnest(generate_series(
            min(cohort_period), any_value(as_of_on), interval 1 {{ grain }}
        )) as date) as cohort_period
        from cohorts, build
    )
    cross join (select distinct segment from cohorts)
    left join cohorts using (segment, cohort_period)
    where
        ($since is null or cohort_period >= date_trunc('{{ grain }}', cast($since as date)))
        and ($until is null or cohort_period <= date_trunc('{{ grain }}', cast($until as date)))
),

spans as (
{% if mode == "bracket" %}
{% include "retention/brackets.jinja" +%}
{% else %}
    select
        cast(period_index as varchar) as period_label,
        period_index as first_index,
        period_index as last_index
    from (
        select unnest(generate_series(
            0, date_diff('{{ grain }}', min(cohort_period), any_value(as_of_on))
        )) as period_index
        from cohorts, build
    )
{% endif %}
),

cells as (
    select
        segment,
        cohort_period,
        first_index,
        period_label,
        cohort_size,
        cohort_period + first_index * interval 1 {{ grain }} <= as_of_on as has_begun,
        cohort_period + (last_index + 1) * interval 1 {{ grain }} <= complete_until_on as is_complete
    from dense_cohorts, spans, build
),

active_periods as (
    select distinct
        user_id,
        cast(date_trunc('{{ grain }}', activity_on) as date) as period
    from marts.fct_activity
    {% if return != "any" %}where feature = $return{% endif %}
),

returns as (
    select
        starts.user_id,
        segment,
        cohort_period,
        date_diff('{{ grain }}', cohort_period, period) as period_index
    from starts
    inner join active_periods using (user_id)
    where period >= cohort_period
),

counts as (
{% if mode == "on" %}
    select segment, cohort_period, period_index as first_index, count(*) as user_count
    from returns
    group by all
{% elif mode == "on_or_after" %}
    select segment, cohort_period, last_index as first_index, count(*) as user_count
    from (
        select segment, cohort_period, user_id, max(period_index) as last_index
        from returns
        group by all
    )
    group by all
{% else %}
    select segment, cohort_period, first_index, period_label, count(distinct user_id) as user_count
    from returns
    inner join spans on period_index between first_index and last_index
    group by all
{% endif %}
),

retained as (
    select
        cells.*,
        case when has_begun then cohort_size end as at_risk_count,
        case when has_begun then
        {% if mode == "on_or_after" %}
            sum(coalesce(user_count, 0)) over (
                partition by segment, cohort_period order by first_index desc
            )
        {% else %}
            coalesce(user_count, 0)
        {% endif %}
        end as retained_count
    from cells
    left join counts using (segment, cohort_period, first_index
        {% if mode == "bracket" %}, period_label{% endif %})
),

final as (
    select
        segment,
        cohort_period,
        first_index as period_index,
        period_label,
        cohort_size,
        at_risk_count,
        retained_count,
        retained_count / nullif(at_risk_count, 0) as retention_rate,
        is_complete
    from retained
)

select * from final
order by segment, cohort_period, period_index, period_label
