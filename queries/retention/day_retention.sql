/*
grain: One row per cohort period.
title: Return on day 1, 7 and 28
description: >-
  Of the users who started in one week (or month), the share who were active exactly 1, 7 and 28
  calendar days after their own first day. A share is empty until that day has ended for everybody
  of the cohort, so that every share shown is final. More days and segments:
  retention/activity_cohorts with cohort=week and grain=day.
key: [cohort_period]
rows: [retention/activity_cohort_members, engagement/activity_by_user]
carries: 28 days
people: cohort_size
parameters:
  cohort: {type: choice, choices: [week, month], default: week, description: Whom a cohort puts together.}
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
  only: {type: segment, description: Take only the people of this segment.}
  without: {type: segment, description: Leave out the people of this segment.}
  since: {type: date, description: The first cohort is the period that holds this day.}
  until: {type: date, description: The last cohort is the period that holds this day.}
columns:
  cohort_period: {unit: date, description: First day of the period in which the users started.}
  cohort_size: {unit: count, same_as: "{start} {cohort_period} {cohort_period:last {cohort}}{only}{without}", description: Users who started in the period.}
  day_1_rate: {unit: rate, of: cohort_size, description: Active on the day after their first / users of the cohort.}
  day_7_rate: {unit: rate, of: cohort_size, description: Active 7 days after their first day / users of the cohort.}
  day_28_rate: {unit: rate, of: cohort_size, description: Active 28 days after their first day / users of the cohort.}
  is_complete: {unit: flag, description: Whether all three shares are known.}
*/
{% import "retention/periods.jinja" as periods %}
{% import "retention/segments.jinja" as segments %}
with build as (
    select as_of_on, complete_until_on, first_week_on from marts.build_info
),

starts as (
    select
        user_id,
        {{ "signed_up" if start == "signup" else start }}_on as started_on,
        {{ periods.number(cohort, "started_on") }} as cohort_no
    from marts.dim_users
    cross join build
    where started_on is not null {{ segments.keep(only, without, "dim_users.customer_key") }}
),

returned as (
    select distinct
        user_id,
        activity_on - started_on as day
    from marts.fct_activity
    inner join starts using (user_id)
    where
        activity_on - started_on in (1, 7, 28)
        {% if return != "any" %}and feature = $return{% endif %}

),

counted as (
    select
        cohort_no,
        count(distinct user_id) as cohort_size,
        max(started_on) as last_started_on,
        count(*) filter (day = 1) as day_1_count,
        count(*) filter (day = 7) as day_7_count,
        count(*) filter (day = 28) as day_28_count
    from starts
    left join returned using (user_id)
    group by cohort_no
),

cohorts as (
    select
        unnest(range(min(cohort_no), any_value({{ periods.number(cohort, "as_of_on") }}) + 1)) as cohort_no
    from starts, build
),

final as (
    select
        {{ periods.first_day(cohort, "cohort_no") }} as cohort_period,
        {{ periods.first_day(cohort, "cohort_no + 1") }} as next_period,
        next_period <= complete_until_on as is_full,
        coalesce(cohort_size, 0) as cohort_size,
{% for day in [1, 7, 28] %}
        case
            when is_full and last_started_on + {{ day + 1 }} <= complete_until_on
                then day_{{ day }}_count / cohort_size
        end as day_{{ day }}_rate,
{% endfor %}
        is_full and coalesce(last_started_on, next_period - 1) + 29 <= complete_until_on as is_complete
    from cohorts
    cross join build
    left join counted using (cohort_no)
    where
        ($since is null or cohort_no >= {{ periods.number(cohort, "cast($since as date)") }})
        and ($until is null or cohort_no <= {{ periods.number(cohort, "cast($until as date)") }})
)

select
    cohort_period,
    cohort_size,
    day_1_rate,
    day_7_rate,
    day_28_rate,
    is_complete
from final
order by cohort_period
