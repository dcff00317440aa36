/*
grain: One row per column with values that do not convert, or are no possible day or instant.
title: Unconverted values
description: >-
  Columns with values that count as missing: they cannot be read in the documented type, or are a
  day or an instant outside of the years 2000 to 2199, such as infinity or the zero of a clock.
key: [source_table, column_name]
no_people: A row is a column of a whole table.
columns:
  source_table: {unit: text, description: The table.}
  column_name: {unit: text, description: The column.}
  documented_type: {unit: text, description: The type of the document.}
  live_type: {unit: text, description: The type of the database.}
  value_count: {unit: count, description: Values that count as missing.}
*/
select
    source_table,
    column_name,
    documented_type,
    live_type,
    value_count
from marts.unconverted_values
order by value_count desc, source_table, column_name
