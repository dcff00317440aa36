/*
grain: One row per thing that a user asked for.
title: Generations
description: >-
  The rows behind the generation success and the trainings: every image (no uploads), video, feed
  post, highlight and training, by the month in which it was asked for. The status is the one
  stored now, also for an as_of in the past, but for a training that is known to have ended later.
key: [kind, row_id]
parameters:
  kind:
    type: choice
    choices: [all, image, video, feed_post, highlight, training]
    default: all
    description: Only this kind.
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  kind: {unit: text, description: "image, video, feed_post, highlight or training."}
  row_id: {unit: text, description: The stored row's primary key.}
  month: {unit: month, description: "The month, in the reporting zone."}
  requested_at: {unit: instant, description: When it was asked for.}
  user_id: {unit: text, description: The user.}
  status: {unit: text, description: "What became of it, such as completed or failed."}
  minutes: {unit: number, description: Minutes that a training took.}
*/
select
    kind,
    row_id,
    month,
    requested_at,
    user_id,
    status,
    minutes
from marts.generations
where
    {% if kind != "all" %}kind = $kind and {% endif %}
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by requested_at desc, kind, row_id
