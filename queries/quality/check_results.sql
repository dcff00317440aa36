/*
grain: One row per check of the last run of its suite.
title: Check results
description: >-
  The results of the checks on the mirror (Great Expectations) and on the marts (dbt's tests). A
  failed check of severity error blocks publishing, one of severity warn is counted on every page. A
  broken check could not run, which says nothing about the data.
key: [suite, check_name, table_name, column_name]
no_people: A row is a check; what it counts are rows of whole tables.
parameters:
  show: {type: choice, choices: [all, not_passed], default: all, description: "Every check, or those alone that did not pass."}
answer: status
columns:
  suite: {unit: text, description: "What was checked: mirror or marts."}
  check_name: {unit: text, description: "The check."}
  table_name: {unit: text, description: "The table it is about; empty for a check of several."}
  column_name: {unit: text, description: "The column, where it is about one."}
  severity: {unit: text, description: "error or warn."}
  status: {unit: text, description: "passed, failed or broken."}
  failed_rows: {unit: count, description: "Rows that break the rule; empty where it is not about rows."}
  checked_rows: {unit: count, description: "Rows looked at; empty where that is not known."}
  detail: {unit: text, description: "The finding in words, without any value of the data."}
  checked_at: {unit: instant, description: "When it was checked."}
*/
select
    suite,
    check_name,
    table_name,
    column_name,
    severity,
    status,
    failed_rows,
    checked_rows,
    detail,
    checked_at
from meta.check_results
{% if show == 'not_passed' %}
where status <> 'passed'
{% endif %}
order by status = 'passed', severity, suite, table_name, column_name, check_name
