/*
grain: One row per month.
title: Feed planner
description: >-
  Feeds that users laid out, and the posts that they had made for them; posts that the system
  makes with a layout count as made for it only. Whether a feed is published or a post made is known
  as of now only, even for an earlier as_of: the source overwrites both.
key: [month]
rows: engagement/feeds
carries: period
people: user_count
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: published_count
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  layout_count: {unit: count, description: Feeds laid out.}
  published_count: {unit: count, description: "Of these, published."}
  user_count: {unit: count, description: Distinct users who laid one out.}
  post_count: {unit: count, description: Posts in them.}
  completed_post_count: {unit: count, description: Posts that were made.}
  completed_post_rate: {unit: rate, description: Posts made / posts.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    month,
    layout_count,
    published_count,
    user_count,
    post_count,
    completed_post_count,
    completed_post_rate,
    is_complete
from marts.feed_planner_by_month
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month
