"""How the rows of a drill-down add up to its query."""

from collections.abc import Mapping
from dataclasses import dataclass, field

RETENTION = """
    select
        segment, cohort_period, low as period_index, label as period_label, cohort_size,
        cohort_size as at_risk_count, retained_count,
        retained_count / cohort_size as retention_rate,
        case when not is_bracket then retained_count / nullif(lag(
            retained_count
        ) over (partition by segment, cohort_period order by low), 0) end as previous_rate
    from cells
    union all by name
    select
        segment, null as cohort_period, low as period_index, label as period_label,
        sum(cohort_size) as cohort_size, sum(cohort_size) as at_risk_count,
        sum(retained_count) as retained_count,
        sum(retained_count) / sum(cohort_size) as retention_rate
    from cells where has_ended group by all
"""
"""The rows of a retention query from its "cells": those that have begun, of cohorts with people."""

ON = "select k as low, k as high, k as last, false as is_bracket from offsets"
ON_OR_AFTER = "select k as low, 99999 as high, k as last, false as is_bracket from offsets"
BRACKETS = """
    select unnest([0, 1, 4, 8]) as low, unnest([0, 3, 7, 14]) as high, high as last,
        true as is_bracket
"""
"""Offsets from "low" to "high" that count together, and the "last" that must have ended."""


@dataclass(frozen=True)
class Sums:
    """How the rows of a query's drill-downs add up to it.

    Attributes:
        sql: A SELECT over tables named like the drill-downs, with the query's keys and numbers.
        given: Parameters of the query.
        parts: Parameters of its drill-downs, by name.
        stored: Columns that are stored beside the rows, not made of them.
    """

    sql: str
    given: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stored: frozenset[str] = frozenset()
