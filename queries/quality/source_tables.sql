/*
grain: One row per documented source table.
title: Source tables
description: >-
  Whether each documented table is there, and whether it holds anything. Several tables are
  never written by the application: empty is normal, and reports then say that no data is
  captured.
key: [source_table]
no_people: A row is a whole table.
answer: row_count
columns:
  source_table: {unit: text, description: The table.}
  is_present: {unit: flag, description: Whether the database has it.}
  row_count: {unit: count, description: Rows in the mirror.}
  is_captured: {unit: flag, description: Whether it holds any row.}
*/
select
    source_table,
    is_present,
    row_count,
    is_captured
from marts.source_tables
order by source_table
