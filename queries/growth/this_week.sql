/*
grain: One row per segment with people who can be written to.
title: What to do this week
description: >-
  The segments whose people can be contacted now, the most urgent first: how many they are, by when,
  what for, and the command that lists them. People who got an e-mail in the last days are cooling
  down, and not ready. Counted when the marts were built, every segment with its default
  parameters.
key: [segment]
rows:
  - segments/at_risk
  - segments/credits_low
  - segments/credits_unused
  - segments/ladder_next
  - segments/never_trained
  - segments/power_users
  - segments/renewal_due
  - segments/session_to_membership
  - segments/trained_idle
  - segments/win_back
people: ready_count
columns:
  segment: {unit: text, description: The segment.}
  title: {unit: text, description: What it is called.}
  ready_count: {unit: count, same_as: "ready in {segment}", description: People who can be written to.}
  send_by_on: {unit: date, of: ready_count, description: "The day until which a message helps all of them: the first of their last days."}
  purpose: {unit: text, description: What a message should bring about.}
  command: {unit: text, description: "What lists them, with some held out at random to measure the effect."}
*/
select
    segment,
    title,
    sum(ready_count)::bigint as ready_count,
    min(send_by_on) as send_by_on,
    case any_value(goal)
        when 'member' then 'be a member 30 days later'
        when 'paid' then 'buy'
        when 'active' then 'use the studio again'
        when 'trained' then 'train a model'
        else any_value(goal)
    end as purpose,
    'sselfie segment export ' || segment as command
from growth.segment_sizes
group by segment, title
having sum(ready_count) > 0
order by send_by_on, ready_count desc, segment
