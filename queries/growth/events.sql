/*
grain: One row per event of events.yml, numbered by day.
title: Events
description: >-
  What happened and may have moved the numbers: price changes, campaigns, incidents and releases, as
  the owner wrote them in events.yml when the marts were built. Charts over time mark them.
key: [number]
no_people: The owner wrote them.
columns:
  number: {unit: count, description: "Their order, from 1 for the latest."}
  happened_on: {unit: date, description: The day.}
  kind: {unit: text, description: "price change, campaign, incident, release or other."}
  title: {unit: text, description: What happened.}
*/
select
    row_number() over (order by happened_on desc, title) as number,
    happened_on,
    kind,
    title
from growth.events, marts.build_info
where happened_on <= as_of_on
order by number
