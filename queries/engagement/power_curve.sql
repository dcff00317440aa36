/*
grain: One row per number of active days.
title: Power curve
description: >-
  How many users were active on exactly so many of the last 28 complete days. A curve that
  rises again to the right shows a habit.
key: [active_days]
rows: engagement/activity_by_user
people: user_count
columns:
  active_days: {unit: count, description: "Days with any activity, 1 to 28."}
  user_count: {unit: count, adds_up_to: active in 28 days, description: Users active on so many days.}
  active_count: {unit: count, of: active_count, same_as: active in 28 days, description: Users active in the 28 days.}
  share: {unit: rate, of: active_count, description: Users active on so many days / users active.}
*/
select
    active_days,
    user_count,
    sum(user_count) over () as active_count,
    share
from marts.power_curve
order by active_days
