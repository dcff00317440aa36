"""What was signed with a month, held against what the marts say now: what restated it, and why.

A build compares the figures of every closed month with what they were at the build before, and
writes each change with its cause. A cause is therefore that of one step: of an upgrade the
definition, of the night after it the late refund.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from sselfie_insights import __version__
from sselfie_insights.clock import parse_zone
from sselfie_insights.definitions import DEFINITIONS
from sselfie_insights.diff.comparison import (
    Comparison,
    Restatement,
    explain,
    read_span,
    settings_apart,
)
from sselfie_insights.diff.numbers import Number, add_months, is_same, span_of
from sselfie_insights.diff.rows import Span
from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.query.header import NUMERIC_UNITS, PERIOD_UNITS
from sselfie_insights.query.library import Query, load_library
from sselfie_insights.query.result import Result
from sselfie_insights.query.run import run_query
from sselfie_insights.settings import Settings
from sselfie_insights.sql import literal, quote
from sselfie_insights.warehouse import closed
from sselfie_insights.warehouse.closed import Closing, Figure, FigureKey
from sselfie_insights.warehouse.publish import WRITER
from sselfie_insights.warehouse.reading import OpenWarehouse, Stamp
from sselfie_insights.warehouse.storage import OFFLINE

FIGURES = (
    "revenue/revenue_totals",
    "revenue/mrr_movements",
    "churn/churn_by_month",
    "churn/mrr_churn_by_month",
    "revenue/revenue_by_month",
    "revenue/billed_mrr_movements",
    "retention/subscriber_cohorts",
    "retention/revenue_cohorts",
)
"""The queries whose numbers of a month are signed with it."""

LIABILITY = "credits/liability"
"""Signed, too: as of the month's end, which takes a build of its own. No build holds it against
the present; ``diff --closed`` does."""


def read_month(
    warehouse: OpenWarehouse, library: Mapping[str, Query], months: Collection[date]
) -> dict[date, dict[FigureKey, Figure]]:
    """Return the figures of each of ``months`` as the marts of the open warehouse give them.

    Those of a cohort are of the month that its age leads to.
    """
    found: dict[date, dict[FigureKey, Figure]] = {month: {} for month in months}
    for name in FIGURES:
        result = run_query(warehouse, library[name])
        period = result.period_columns[0]
        for row in result.frame.iter_rows(named=True):
            first_on, _ = span_of(period, row, result) if row[period] else (None, None)
            if first_on in found:
                found[first_on] |= read_row(result, row)
    return found


def read_row(result: Result, row: Mapping[str, Any]) -> dict[FigureKey, Figure]:
    """Return the figures of a row of a query's result."""
    row_key = closed.write_row_key(result.key, row)
    return {
        (result.name, row_key, name): Figure(column.unit, row[name])
        for name, column in result.columns.items()
        if column.unit in NUMERIC_UNITS and name not in {*result.key, *result.unknown}
    }


def record_restatements(
    private: Path, settings: Settings, *, cause: str | None = None, now: datetime | None = None
) -> None:
    """Write which figures of closed months have changed since the last build, and why.

    Args:
        private: The private copy, its marts built; the published file is the build before.
        settings: Lead to the published file and to the journal.
        cause: What is known to have changed them all; None finds out.
        now: The present (UTC); by default the clock's.

    Raises:
        UsageError: A query cannot be run.
    """
    with duckdb.connect(str(private), config=WRITER) as db:
        db.execute(closed.TABLES)
        closings = closed.current(closed.read_closings(db))
        last = {month: _last_values(db, each) for month, each in closings.items()}
    if not closings:
        return
    library = load_library()
    with OpenWarehouse(private) as built:
        stamp = built.stamp
        if stamp.definitions < DEFINITIONS:  # rolled back to; the next build says what changed
            return
        until = read_span(built).complete_until
        # A build of an instant in the past says nothing of what came after it.
        closings = {m: each for m, each in closings.items() if add_months(m, 1) <= until}
        present = read_month(built, library, closings.keys())
    rows: list[tuple[object, ...]] = []
    for month, closing in closings.items():
        numbers = _differences(library, closing, last[month], present[month])
        causes = (
            {_figure_key(number): (cause,) for number in numbers}
            if cause is not None
            else _explain_step(private, settings, closing, numbers, library, stamp)
        )
        rows += [
            (
                closing.number,
                number.query,
                _key_of(number),
                number.column,
                now or datetime.now(UTC),
                stamp.run_id,
                stamp.definitions,
                closed.write_value(number.before),
                closed.write_value(number.after),
                ", ".join(causes[_figure_key(number)]),
            )
            for number in numbers
        ]
    with duckdb.connect(str(private), config=WRITER) as db:
        closed.write_restatements(db, rows)


def compare_closed(
    settings: Settings, month: date, liability: Mapping[FigureKey, Figure] | None = None
) -> Comparison:
    """Return which figures that were signed with ``month`` differ now, and why.

    Args:
        settings: Lead to the warehouse and its journal.
        month: The first day of the month.
        liability: That of the month's end as it is now; None leaves it out.

    Raises:
        UsageError: The month is not closed.
        StorageError: The figures are not those that were signed.
    """
    library = load_library()
    with OpenWarehouse(settings.warehouse) as warehouse:
        closing = find_closing(warehouse.connection, month)
        signed = closed.read_figures(warehouse.connection, closing.number)
        seen = closed.read_restatements(warehouse.connection, closing)
        stamp = warehouse.stamp
        present = read_month(warehouse, library, [month])[month] | dict(liability or {})
    if liability is None:
        signed = {key: each for key, each in signed.items() if key[0] != LIABILITY}
    numbers = _differences(library, closing, signed, present)
    before = _stamp_of(closing)
    with _frozen(settings.warehouse, closing) as db:
        found, rows, unread = explain(
            db, numbers, library, _span_of(closing), before, stamp, settings
        )
    restatements = [
        Restatement(
            each.number,
            seen[key].causes if (key := _figure_key(each.number)) in seen else each.causes,
            each.rows,
        )
        for each in found
    ]
    remarks = (*settings_apart(before, stamp), *unread)
    return Comparison(before, stamp, remarks, tuple(restatements), tuple(rows))


def find_closing(db: duckdb.DuckDBPyConnection, month: date) -> Closing:
    """Return the closing in force of ``month``, its figures intact.

    Raises:
        UsageError: The month is not closed.
        StorageError: Its figures are not those that were signed.
    """
    closing = closed.current(closed.read_closings(db)).get(month)
    if closing is None:
        raise UsageError(
            f"{month:%Y-%m} is not closed", remedy=f"run 'sselfie close {month:%Y-%m}'"
        )
    if not closed.is_intact(db, closing):
        raise StorageError(
            f"the figures of {month:%Y-%m} are not those that {closing.closed_by} signed: their"
            " checksum differs",
            remedy="put a kept publication or a backup in place of the warehouse",
        )
    return closing


def _last_values(db: duckdb.DuckDBPyConnection, closing: Closing) -> dict[FigureKey, Figure]:
    """Return the closing's figures as the last build saw them, without the liability."""
    last = closed.read_figures(db, closing.number)
    for key, each in closed.read_restatements(db, closing).items():
        last[key] = Figure(each.signed.unit, each.now)
    return {key: each for key, each in last.items() if key[0] != LIABILITY}


def _differences(
    library: Mapping[str, Query],
    closing: Closing,
    before: Mapping[FigureKey, Figure],
    after: Mapping[FigureKey, Figure],
) -> list[Number]:
    missing = Figure("number", None)
    measures = {(query, measure) for query, _, measure in before}
    queries = {query for query, _ in measures}

    def was_signed(key: FigureKey) -> bool:
        query, _, measure = key
        # What a later version has added was not signed; a row of its own can be new.
        return (query, measure) in measures or (
            query not in queries and closing.version == __version__
        )

    return [
        Number(
            query=query,
            key=_parse_key(library[query], row_key),
            column=measure,
            unit=(before.get(key) or after[key]).unit,  # type: ignore[arg-type]  # of a header
            before=before.get(key, missing).value,
            after=after.get(key, missing).value,
            first_on=closing.month,
            end_on=add_months(closing.month, 1),
        )
        for key in dict.fromkeys((*before, *filter(was_signed, after)))
        for query, row_key, measure in (key,)
        if not is_same(before.get(key, missing).value, after.get(key, missing).value)
    ]


def _parse_key(query: Query, row_key: str) -> dict[str, Any]:
    return {
        name: date.fromisoformat(value)
        if value is not None and query.columns[name].unit in PERIOD_UNITS
        else value
        for name, value in json.loads(row_key).items()
    }


def _key_of(number: Number) -> str:
    return closed.write_row_key(number.key, number.key)


def _figure_key(number: Number) -> FigureKey:
    return number.query, _key_of(number), number.column


def _explain_step(
    private: Path,
    settings: Settings,
    closing: Closing,
    numbers: list[Number],
    library: Mapping[str, Query],
    stamp: Stamp,
) -> dict[FigureKey, tuple[str, ...]]:
    """Return why ``numbers`` are not what the last build said."""
    if not numbers:
        return {}
    try:
        with OpenWarehouse(settings.warehouse) as published:
            before, span = published.stamp, read_span(published)
        opened = _attached(private, settings.warehouse)
    except UsageError:  # a restored warehouse has no marts
        before, span = _stamp_of(closing), _span_of(closing)
        opened = _frozen(private, closing)
    with opened as db:
        found, _, _ = explain(db, numbers, library, span, before, stamp, settings)
    return {_figure_key(each.number): each.causes for each in found}


@contextmanager
def _attached(later: Path, earlier: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=OFFLINE) as db:
        for name, path in (("a", earlier), ("b", later)):
            db.execute(f"attach {literal(str(path))} as {name} (read_only)")
        yield db


@contextmanager
def _frozen(later: Path, closing: Closing) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection with the rows of ``closing`` as the earlier marts."""
    with duckdb.connect(config=OFFLINE) as db:
        db.execute(f"attach {literal(str(later))} as b (read_only)")
        db.execute("attach ':memory:' as a")
        db.execute("create schema a.marts")
        for mart in closed.ROWS_OF:
            rows = closed.rows_at(closing.number, mart, "b")
            db.execute(f"create table a.marts.{quote(mart)} as {rows}")
        yield db


def _stamp_of(closing: Closing) -> Stamp:
    zone = parse_zone(closing.timezone)
    return Stamp(
        as_of=closing.as_of,
        as_of_on=closing.as_of.astimezone(zone).date(),
        timezone=closing.timezone,
        grace_days=closing.grace_days,
        synced_at=closing.as_of,
        run_id=closing.run_id,
        version=closing.version,
        definitions=closing.definitions,
    )


def _span_of(closing: Closing) -> Span:
    return Span(add_months(closing.month, 1), _stamp_of(closing).as_of_on, closing.grace_days)
