/*
grain: One row per segment and period.
title: Stickiness by period
description: >-
  On how many of its days the active users of a period were active: for any activity or one
  feature, in all or split into segments. Stickiness is the share of days, which is the mean of the
  daily active users / the active users of the period; of the running period, of its days so far.
interface: use
rows: engagement/activity_by_user
carries: period
people: active_count
part_of: [[segment], [period]]
identities: [active_count <= user_day_count]
columns:
  active_count: {unit: count, adds_up_to: "used {feature} {period} {period:last {grain}}{only}{without}", description: Distinct active users of the period.}
  day_count: {unit: number, description: "Days of the period, up to as_of."}
  user_day_count: {unit: count, adds_up_to: "days of use, {feature}, {period} {grain}{only}{without}", description: "Days on which they were active, added up over users."}
  mean_daily_count: {unit: number, description: "Active users of a day, in the mean."}
  days_per_user: {unit: number, description: "Days on which a user was active, in the mean."}
  stickiness: {unit: rate, description: Active days / days of the period.}
  is_complete: {unit: flag, description: Whether the period has ended by as_of.}
*/
{% include "engagement/use.jinja" %}

counted as (
    select
        segment,
        period_no,
        count(distinct user_id) as active_count,
        count(*) as user_day_count
    from days
    group by all
),

final as (
    select
        segment,
        period,
        coalesce(active_count, 0) as active_count,
        least(next_period, as_of_on + 1) - period as day_count,
        coalesce(user_day_count, 0) as user_day_count,
        coalesce(user_day_count, 0) / day_count as mean_daily_count,
        user_day_count / active_count as days_per_user,
        days_per_user / day_count as stickiness,
        is_complete
    from spine
    cross join build
    left join counted using (segment, period_no)
)

select * from final
order by segment, period
