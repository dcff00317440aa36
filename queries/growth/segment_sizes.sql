/*
grain: One row per segment and reason.
title: Sizes of the segments
description: >-
  How many people are in each segment, and why. Cooling down are those who got an e-mail, or were
  exported with any segment, in the last days; the others can be contacted. Counted
  when the marts were built, every segment with its default parameters; 'sselfie segment list'
  counts them now.
key: [segment, reason]
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
people: person_count
identities: [person_count = cooling_count + ready_count]
columns:
  segment: {unit: text, description: The segment; see 'sselfie segment show'.}
  title: {unit: text, description: What it is called.}
  reason: {unit: text, description: "Why people are in it; nobody where it is empty."}
  person_count: {unit: count, adds_up_to: "in {segment}", description: People in it for this reason.}
  cooling_count: {unit: count, description: "Of them, those written to lately."}
  ready_count: {unit: count, adds_up_to: "ready in {segment}", description: "Of them, those who can be written to."}
*/
select
    segment,
    title,
    reason,
    person_count,
    cooling_count,
    ready_count
from growth.segment_sizes
order by segment, person_count desc, reason
