/*
grain: One row per pair of segments with people in common.
title: Overlaps of the segments
description: >-
  How many people two segments have in common. Whoever is exported with one cools down for all
  the others.
key: [segment, other_segment]
group_size: person_count
computed: segment_overlaps
columns:
  segment: {unit: text, description: One segment.}
  other_segment: {unit: text, description: "The other, later in the alphabet."}
  person_count: {unit: count, description: People in both.}
*/
-- Worked out from every query of segments/, which read marts.people_now.
