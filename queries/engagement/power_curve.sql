/*
grain: One row per number of active days, or per range of such numbers.
title: Power curve
description: >-
  How many users were active on a given number of the last 28 complete days. A curve that
  rises again to the right shows a habit.
key: [active_days]
rows: engagement/activity_by_user
people: user_count
parameters:
  by: {type: choice, choices: [day, range], default: day, description: "Each number of days, or ranges: 1, 2-3, 4-7, 8-14 and 15-28."}
answer: user_count
columns:
  active_days: {unit: count, description: "Days with any activity, 1 to 28; of a range, the least."}
  days: {unit: text, description: "They or their range, in words."}
  user_count: {unit: count, adds_up_to: active in 28 days, description: Users active on that many days.}
  active_count: {unit: count, of: active_count, same_as: active in 28 days, description: Users active in the 28 days.}
  share: {unit: rate, of: active_count, description: Users active on that many days / users active.}
*/
select
    min(active_days) as active_days,
    concat_ws('-', min(active_days), nullif(max(active_days), min(active_days))) as days,
    sum(user_count) as user_count,
    sum(sum(user_count)) over () as active_count,
    sum(share) as share
from marts.power_curve
{% if by == 'range' %}
group by active_days > 1, active_days > 3, active_days > 7, active_days > 14
{% else %}
group by active_days
{% endif %}
order by active_days
