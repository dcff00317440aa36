/*
grain: One row per stored row that counts in no metric.
title: List of dropped rows
description: >-
  The rows behind the dropped rows: where each is stored, under which key, whose it is and why it does
  not count.
key: [source_table, row_key]
columns:
  source_table: {unit: text, description: Where the row is stored.}
  row_key: {unit: text, description: Its primary key.}
  reason: {unit: text, description: Why it does not count; the first that applies.}
  customer_key: {unit: text, description: "Whose it is; the account itself where the table is users."}
  currency: {unit: text, description: "The currency, for a row with an amount."}
  amount_cents: {unit: cents, description: "Its amount, without sign."}
*/
select
    source_table,
    row_key,
    reason,
    customer_key,
    currency,
    amount_cents
from marts.dropped_row_list
order by source_table, reason, row_key
