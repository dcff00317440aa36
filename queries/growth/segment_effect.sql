/*
grain: One row per exported segment.
title: Campaign effect to a segment
description: >-
  Of the people exported with a segment and of those held out of it at random, how many reached
  its goal within some days, and the difference with a 95 % interval that may be looked at every
  week (a confidence sequence). Everybody exported stays in their group; guests are followed into
  accounts. Each person counts once per segment, from their first export, and only when all of
  those days have passed. The goal member means a member at their end, the others something done
  in them. No share is shown while either group has fewer people than needed. Measured when the
  marts were built, from the exports recorded by then, within 7, 14, 30, 60 and 90 days.
key: [segment]
people: [sent_count, held_out_count]
parameters:
  within_days: {type: choice, choices: ["7", "14", "30", "60", "90"], default: "30", description: Days after the export in which the goal counts.}
  least: {type: integer, default: 20, minimum: 5, description: People needed in each group.}
answer: difference
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
  smallest_difference: {unit: rate, description: "The difference that groups of this size show in 80 of 100 cases."}
  sample_ratio_p: {unit: rate, description: "Chance of as unlikely a number held out, if drawn as was said; below 0.001 something is wrong."}
  waiting_count: {unit: count, of: waiting_count, description: People whose days have not all passed.}
  verdict: {unit: text, description: "What can be said: more, fewer, no difference proven, or too few."}
*/
with effect as (
    select
        *,
        sent_count >= $least and held_out_count >= $least as is_enough
    from growth.segment_effect
    where within_days = cast($within_days as integer)
)

select
    segment,
    goal,
    sent_count,
    sent_reached_count,
    case when is_enough then sent_reached_count / sent_count end as sent_rate,
    held_out_count,
    held_out_reached_count,
    case when is_enough then held_out_reached_count / held_out_count end as held_out_rate,
    case when is_enough then difference end as difference,
    case when is_enough then low end as low,
    case when is_enough then high end as high,
    case when is_enough then smallest_difference end as smallest_difference,
    case when is_enough then sample_ratio_p end as sample_ratio_p,
    waiting_count,
    case
        when not is_enough then 'too few to tell: ' || $least || ' people are needed in each group'
        when sample_ratio_p < 0.001 then 'no verdict: the groups are not as large as they were drawn'
        when low > 0 then 'more reached the goal'
        when high < 0 then 'fewer reached the goal'
        else 'no difference proven'
    end as verdict
from effect
order by segment, goal
