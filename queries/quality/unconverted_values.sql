/*
grain: One row per column with values that do not convert to the documented type.
title: Unconverted values
description: >-
  Columns that the live database keeps in another type than the document says, where some values
  cannot be read in the documented one and so count as missing.
key: [source_table, column_name]
columns:
  source_table: {unit: text, description: The table.}
  column_name: {unit: text, description: The column.}
  documented_type: {unit: text, description: The type of the document.}
  live_type: {unit: text, description: The type of the database.}
  value_count: {unit: count, description: Values that did not convert.}
*/
select
    source_table,
    column_name,
    documented_type,
    live_type,
    value_count
from marts.unconverted_values
order by value_count desc, source_table, column_name
