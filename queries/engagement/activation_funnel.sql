/*
grain: One row per signup month and step.
title: Activation funnel
description: >-
  Of the users who signed up in a month, how many reached each step within a number of days of
  signing up: onboarded, a model trained, a first image, a first payment above 0, a first paid
  membership. Each step is counted on its own; a user may skip one. Only months in which every
  user has had the full time are shown. A step taken before signing up, as by a guest who paid,
  counts after 0 days. Onboarding is stored without a time, so it counts whenever it happened, and
  has no median.
key: [cohort_period, step]
rows: engagement/first_steps
carries: period
people: cohort_size
parameters:
  within_days: {type: integer, default: 30, minimum: 1, maximum: 730, description: Days after signup in which a step counts.}
  since: {type: date, description: The first cohort is the month that holds this day.}
  until: {type: date, description: The last cohort is the month that holds this day.}
columns:
  cohort_period: {unit: month, description: Month of signup.}
  step: {unit: text, description: "signup, onboarded, trained, first_image, first_payment or member."}
  step_index: {unit: count, description: "Order of the step, from 0."}
  cohort_size: {unit: count, same_as: "signup {cohort_period} {cohort_period:last month}", description: Users who signed up in the month.}
  user_count: {unit: count, description: Users who reached the step in time.}
  rate: {unit: rate, of: cohort_size, description: Users who reached the step / users who signed up.}
  median_days: {unit: days, of: user_count, description: "Median days from signup to the step, of those who reached it."}
  is_complete: {unit: flag, description: "Always true; younger cohorts are left out."}
*/
with users as (
    select
        user_id,
        cast(date_trunc('month', signed_up_on) as date) as cohort_period,
        signed_up_at,
        is_onboarded,
        first_trained_at,
        first_image_at,
        first_payment_at,
        first_subscription_at
    from marts.dim_users
),

-- The last user of a month signs up on its last day, and then has within_days more.
matured as (
    select users.*
    from users, marts.build_info
    where
        cast(cohort_period + interval 1 month as date) + $within_days <= complete_until_on
        and ($since is null or cohort_period >= date_trunc('month', cast($since as date)))
        and ($until is null or cohort_period <= date_trunc('month', cast($until as date)))
),

reached as (
    select
        cohort_period,
        steps.step,
        steps.step_index,
        case steps.step
            when 'signup' then signed_up_at
            when 'trained' then first_trained_at
            when 'first_image' then first_image_at
            when 'first_payment' then first_payment_at
            when 'member' then first_subscription_at
        end as reached_at,
        signed_up_at,
        step = 'onboarded' and is_onboarded as is_reached_at_some_time
    from matured
    cross join (
        values
        ('signup', 0), ('onboarded', 1), ('trained', 2), ('first_image', 3),
        ('first_payment', 4), ('member', 5)
    ) as steps (step, step_index)
),

placed as (
    select
        *,
        case
            when reached_at is not null
                then greatest(0, date_diff('microsecond', signed_up_at, reached_at)) / 86400000000
        end as days
    from reached
),

final as (
    select
        cohort_period,
        step,
        step_index,
        count(*) as cohort_size,
        count(*) filter (is_reached_at_some_time or days <= $within_days) as user_count,
        user_count / cohort_size as rate,
        case when step <> 'signup' then median(days) filter (days <= $within_days) end
            as median_days,
        true as is_complete
    from placed
    group by cohort_period, step, step_index
)

select * from final
order by cohort_period, step_index
