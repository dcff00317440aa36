/*
grain: One row per exported segment.
title: Effect of writing to a segment
description: >-
  Of the people exported with a segment and of those held out of it at random, how many reached
  its goal within some days, and the difference with its 95 % interval (Newcombe 1998, method 10).
  A person counts once a segment, from the first export on, and only when all of those days have
  passed. The goal member means a member at their end, the others something done in them. No share
  is told while either group has fewer people than needed.
key: [segment]
group_size: [sent_count, held_out_count]
computed: segment_effect
parameters:
  within_days: {type: integer, default: 30, minimum: 1, maximum: 365, description: Days after the export in which the goal counts.}
  least: {type: integer, default: 20, minimum: 5, description: People needed in each group.}
columns:
  segment: {unit: text, description: The segment.}
  goal: {unit: text, description: "What counts: member, paid, active or trained."}
  sent_count: {unit: count, description: "People exported, all their days passed."}
  sent_reached_count: {unit: count, description: "Of them, those who reached the goal."}
  sent_rate: {unit: rate, of: sent_count, description: Their share.}
  held_out_count: {unit: count, description: "People held out, all their days passed."}
  held_out_reached_count: {unit: count, description: "Of them, those who reached the goal."}
  held_out_rate: {unit: rate, of: held_out_count, description: Their share.}
  difference: {unit: rate, description: Share exported minus share held out.}
  low: {unit: rate, description: Lower end of its 95 % interval.}
  high: {unit: rate, description: Upper end of its 95 % interval.}
  waiting_count: {unit: count, description: People whose days have not all passed.}
  verdict: {unit: text, description: "What can be said: more, fewer, no difference proven, or too few."}
*/
-- Worked out from the record of exports, over marts.people_now, marts.membership_spans,
-- marts.payments and marts.fct_activity.
