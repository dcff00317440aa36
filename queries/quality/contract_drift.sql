/*
grain: One row per table, column and kind of difference.
title: Contract drift
description: >-
  Where the live database differs from its documentation: columns that are missing, of another
  type, or not documented. Everything is mirrored as it is; the models read documented columns,
  else their aliases, else nothing.
key: [table_name, column_name, kind]
no_people: A row is a table or a column.
columns:
  table_name: {unit: text, description: The table.}
  column_name: {unit: text, description: "The column; empty for a whole table."}
  kind: {unit: text, description: "What differs: missing, type, extra and so on."}
  detail: {unit: text, description: "What is documented, and what is there."}
*/
select
    table_name,
    coalesce(column_name, '') as column_name,
    kind,
    detail
from meta.contract_drift
order by table_name, column_name, kind
