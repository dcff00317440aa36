/*
grain: One row per person and cohort of a cell.
title: "People of a cell: subscriber retention"
description: >-
  The people behind one cell of retention/subscriber_cohorts, with the same parameters: the people of the
  cohort for whom the period has begun, and whether they are retained in it. The cell is named by a
  day of its cohort, its period index (of a bracket, its first) and its segment; without a day, or
  a segment, the people of all. sselfie query run --save-segment makes a segment of them.
interface: subscriber_cohorts
key: [customer_key, cohort_period]
parameters:
  periods: {type: integer, minimum: 1, description: Changes nothing here.}
  cell_cohort: {type: date, description: "The cell's cohort is the one that holds this day; all without."}
  cell_period: {type: integer, default: 1, minimum: 0, description: "The cell's period index."}
  cell_segment: {type: text, description: "The cell's segment; all without."}
  who:
    type: choice
    choices: [all, retained, lost]
    default: all
    description: Whether to list all people of the cell, those retained or those not.
columns:
  customer_key: {unit: text, description: "The person; of a user, the user's id."}
  segment: {unit: text, description: "Value of the breakdown; all without one, (none) where unknown."}
  cohort_period: {unit: date, description: First day of the cohort's period.}
  is_retained: {unit: flag, description: Whether the person is retained in the cell.}
*/
{% set groups, least, cohort, window = "segment", "1", "grain", "calendar" %}
{% include "retention/subscriber.jinja" %}

{% include "retention/people.jinja" %}
