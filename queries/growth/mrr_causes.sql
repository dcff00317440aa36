/*
grain: One row per month explained, currency, dimension and part.
title: Why MRR moved
description: >-
  What the change of MRR from the month before is made of, for the last complete month and for the
  running one so far: by movement, product, cohort and segment. The parts of each dimension add up to
  the whole, to the cent. Parts of fewer than five people, in either month or among those who made the change, are put together; of each dimension the ten
  largest changes are named. Worked out when the marts were built; 'sselfie explain mrr' explains any month.
key: [is_complete, currency, dimension, part]
rows: [explain/mrr, revenue/mrr_by_movement]
people: person_count
part_of: [[is_complete, currency, dimension]]
answer: change_cents
columns:
  month: {unit: month, description: The month.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  dimension: {unit: text, description: "What the change is taken apart by: movement, product, cohort, acquisition or brand_style; whole is all of it."}
  part: {unit: text, description: The part.}
  before_cents: {unit: cents, description: MRR at the end of the month before.}
  after_cents: {unit: cents, description: "MRR at the month's end, or at as_of."}
  change_cents: {unit: cents, description: After minus before.}
  share: {unit: rate, description: "The part's share of the whole change; empty where that is 0."}
  person_count: {unit: count, description: "People behind the part; where all together are too few in either month, or to have made the change, those few."}
*/
select
    month,
    is_complete,
    currency,
    dimension,
    part,
    before as before_cents,
    after as after_cents,
    change as change_cents,
    share,
    person_count
from growth.mrr_causes
order by is_complete desc, currency, dimension, abs(change) desc, part
