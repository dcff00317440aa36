/*
grain: One row per pair of segments with people in common.
title: Overlaps of the segments
description: >-
  How many people two segments have in common. Whoever is exported with one cools down for all
  the others. Counted when the marts were built, every segment with its default parameters.
key: [segment, other_segment]
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
identities: ["person_count <= [in {segment}]", "person_count <= [in {other_segment}]"]
columns:
  segment: {unit: text, description: One segment.}
  other_segment: {unit: text, description: "The other, later in the alphabet."}
  person_count: {unit: count, description: People in both.}
*/
select
    segment,
    other_segment,
    person_count
from growth.segment_overlaps
order by person_count desc, segment, other_segment
