/*
grain: One row per feed laid out.
title: Feeds
description: >-
  The rows behind the feed planner: who laid out which feed, and how many posts were made for it.
  Status and posts made are as stored now, also for an as_of in the past.
key: [feed_layout_id]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  feed_layout_id: {unit: text, description: The stored layout.}
  month: {unit: month, description: "The month, in the reporting zone."}
  created_at: {unit: instant, description: When it was laid out.}
  user_id: {unit: text, description: The user.}
  status: {unit: text, description: "Its status, such as published."}
  post_count: {unit: count, description: Posts in it.}
  completed_post_count: {unit: count, description: Posts that were made.}
*/
select
    feed_layout_id,
    month,
    created_at,
    user_id,
    status,
    post_count,
    completed_post_count
from marts.feeds
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by created_at desc, feed_layout_id
