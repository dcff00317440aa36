/*
grain: One row per stored row, column and change of state.
title: Changes of state
description: >-
  Changes of mutable columns, such as a subscription's status or a credit balance, that two syncs saw;
  the source keeps no history of them. The instant is that of the sync that saw the change.
key: [source_table, column_name, row_key, observed_at]
columns:
  source_table: {unit: text, description: The table.}
  column_name: {unit: text, description: The column.}
  row_key: {unit: text, description: The row.}
  user_id: {unit: text, description: "The user, where the row has one."}
  previous_state: {unit: text, description: The value before.}
  state: {unit: text, description: The value now.}
  observed_at: {unit: instant, description: When a sync first saw it.}
*/
select
    source_table,
    column_name,
    row_key,
    user_id,
    previous_state,
    state,
    observed_at
from marts.status_changes
order by observed_at desc, source_table, row_key, column_name
