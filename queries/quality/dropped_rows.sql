/*
grain: One row per reason, source table and currency.
title: Dropped rows
description: >-
  Stored rows that count in no metric, and why. Test: owners of test-mode rows who never paid,
  and other test-mode rows. Internal: admins, internal domains and accounts a setting names.
  Unsettled: money never received. Refund: counted as refunds and chargebacks. Duplicate: the
  same payment stored again. Zero: invoices of 0, which only extend coverage. Besides, over_refund:
  what a refund or chargeback claims beyond what its payment took in.
key: [reason, source_table, currency]
people: customer_count
rows: quality/dropped_row_list
carries: now
columns:
  reason: {unit: text, description: Why the rows do not count; the first that applies.}
  source_table: {unit: text, description: Where they are stored.}
  currency: {unit: text, description: "The currency, for rows with an amount."}
  row_count: {unit: count, description: Rows.}
  amount_cents: {unit: cents, description: Their amounts.}
  customer_count: {unit: count, description: Distinct customers whose rows they are.}
*/
with people as (
    select
        reason,
        source_table,
        currency,
        count(distinct customer_key) as customer_count
    from marts.dropped_row_list
    group by reason, source_table, currency
)

select
    dropped.reason,
    dropped.source_table,
    dropped.currency,
    row_count,
    amount_cents,
    customer_count
from marts.dropped_rows as dropped
inner join people
    on
        dropped.reason = people.reason
        and dropped.source_table = people.source_table
        and dropped.currency is not distinct from people.currency
order by dropped.reason, dropped.source_table, dropped.currency
