"""The public numbers that differ between two publications, for periods complete in the earlier."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sselfie_insights.query.header import MEAN, NUMERIC_UNITS, Unit
from sselfie_insights.query.library import Query
from sselfie_insights.query.result import Result

TOLERANCE = 1e-9
"""Relative; sums of floats differ by their order."""

_INDEX = "period_index"
_COMPLETE = "is_complete"


@dataclass(frozen=True)
class Number:
    """A public number that was restated.

    Attributes:
        query: The query that gives it.
        key: The columns that identify its row, by name.
        column: Its column.
        unit: Its unit.
        before: What the earlier publication says; None where it has no such row or cell.
        after: What the later one says.
        first_on: The first day that it speaks of; None where it has no period.
        end_on: The day after the last.
    """

    query: str
    key: dict[str, Any]
    column: str
    unit: Unit
    before: float | int | None
    after: float | int | None
    first_on: date | None
    end_on: date | None


def is_periodic(query: Query) -> bool:
    """Say whether the rows of ``query`` are of periods, and which of those are complete."""
    return _COMPLETE in query.columns and bool(query.period_columns)


def is_comparable(query: Query) -> bool:
    """Say whether ``query`` gives public numbers: of periods, or of the present, as it says."""
    return is_periodic(query) or query.carries == "now"


def changed_numbers(
    query: Query, before: Result, after: Result, complete_until: date
) -> Iterator[Number]:
    """Yield the numbers of ``query`` that differ and were complete in ``before``.

    Args:
        query: The query.
        before: What the earlier publication says.
        after: What the later one says.
        complete_until: The first day that was not complete in the earlier publication.
    """
    old, new = _rows(before), _rows(after)
    measures = {
        name: column.unit
        for name, column in before.columns.items()
        if name not in query.key and name in after.columns and column.unit in NUMERIC_UNITS
        if name not in {*before.unknown, *after.unknown}
    }
    period = query.period_columns[0] if is_periodic(query) else None
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key), new.get(key)
        known = was if was is not None else now
        assert known is not None  # noqa: S101  # the key is of one of them
        first_on, end_on = span_of(period, known, before)
        if was is not None and period:
            is_complete = bool(was[_COMPLETE])
        else:
            within = timedelta(days=int(str(before.values.get("within_days") or 0)))
            is_complete = end_on is None or end_on + within <= complete_until
        if not is_complete:
            continue
        for name, unit in measures.items():
            old_value = None if was is None else was[name]
            new_value = None if now is None else now[name]
            if not is_same(old_value, new_value):
                yield Number(
                    query.name,
                    {column: known[column] for column in before.key},
                    name,
                    unit,
                    old_value,
                    new_value,
                    first_on,
                    end_on,
                )


def is_same(before: float | int | None, after: float | int | None) -> bool:
    """Say whether two values are one number: whole numbers exactly, others to nine digits."""
    if before is None or after is None:
        return before is after
    if isinstance(before, float) or isinstance(after, float):
        return math.isclose(before, after, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return before == after


def add_months(day: date, count: int) -> date:
    """Return the first of the month ``count`` months after that of ``day``."""
    month = day.year * 12 + day.month - 1 + count
    return date(month // 12, month % 12 + 1, 1)


def _rows(result: Result) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows by their key, without means, which every period that ends moves."""
    return {
        tuple(row[name] for name in result.key): row
        for row in result.frame.iter_rows(named=True)
        if not row.get(MEAN)
    }


def span_of(
    period: str | None, row: dict[str, Any], result: Result
) -> tuple[date | None, date | None]:
    """Return the first day that a row speaks of, and the day after the last."""
    if period is None:
        return None, None
    index = int(row.get(_INDEX) or 0)
    first: date = row[period]
    if result.columns[period].unit == "month":
        return add_months(first, index), add_months(first, index + 1)
    days = 7 if result.values.get("grain") == "week" else 1
    return first + timedelta(days=index * days), first + timedelta(days=(index + 1) * days)
