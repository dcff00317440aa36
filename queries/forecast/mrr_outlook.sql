/*
grain: One row per month and currency.
title: MRR so far and to come
description: >-
  Contract MRR at the end of the last complete months, and the projection of forecast/mrr_projection
  behind it, in one series. At the origin all lines meet.
key: [month, currency]
people: n
parameters:
  months: {type: integer, default: 12, minimum: 1, maximum: 120, description: How many past months to show.}
answer: total_mid_cents
columns:
  month: {unit: month, description: "The month, at its end."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  n: {unit: count, same_as: "members on {counted_on} {currency}", description: "Members with MRR in the currency at the month's end; of the origin where it is to come."}
  counted_on: {unit: date, description: The month's end for which they are counted.}
  actual_cents: {unit: cents, description: "MRR that was, up to the origin."}
  existing_mid_cents: {unit: cents, description: "MRR of the members at the origin, median."}
  total_low_cents: {unit: cents, description: "MRR with who joins, lower end (2.5 % of courses are below)."}
  total_mid_cents: {unit: cents, description: "MRR with who joins, median."}
  total_high_cents: {unit: cents, description: "MRR with who joins, upper end (2.5 % are above)."}
*/
with origin as (
    select currency, origin_month, existing_mid_cents is not null as is_projected
    from forecast.mrr_projection
    where months_ahead = 1
),

actual as (
    select
        month,
        currency,
        member_count as n,
        last_day(month) as counted_on,
        closing_mrr_cents as actual_cents,
        case when month = origin_month and is_projected then closing_mrr_cents end as meeting_cents
    from marts.mrr_movements
    inner join origin using (currency)
    where month <= origin_month and month > origin_month - $months * interval 1 month
)

select
    month,
    currency,
    n,
    counted_on,
    actual_cents,
    meeting_cents as existing_mid_cents,
    meeting_cents as total_low_cents,
    meeting_cents as total_mid_cents,
    meeting_cents as total_high_cents
from actual
union all
select
    month,
    currency,
    n,
    last_day(origin_month),
    null,
    existing_mid_cents,
    total_low_cents,
    total_mid_cents,
    total_high_cents
from forecast.mrr_projection
where coalesce(existing_mid_cents, total_mid_cents) is not null
order by month, currency
