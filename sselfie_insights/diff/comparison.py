"""Compare two publications: restated numbers, the rows behind them, and the causes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from sselfie_insights.definitions import DEFINITIONS, describe_changes
from sselfie_insights.diff.numbers import (
    Number,
    add_months,
    changed_numbers,
    is_comparable,
    is_periodic,
)
from sselfie_insights.diff.older import OlderWarehouse
from sselfie_insights.diff.rows import DRILL_DOWNS, ChangedRow, RowVersion, Span, changed_rows
from sselfie_insights.errors import UsageError, first_line
from sselfie_insights.query.library import Query, load_library
from sselfie_insights.query.lineage import read_tables
from sselfie_insights.query.result import Result
from sselfie_insights.query.run import run_query
from sselfie_insights.settings import Settings
from sselfie_insights.sql import literal
from sselfie_insights.warehouse.journal import read_journal
from sselfie_insights.warehouse.publications import Note, find_publication
from sselfie_insights.warehouse.reading import OpenWarehouse, Stamp
from sselfie_insights.warehouse.storage import OFFLINE

NOT_PROVEN = "not proven"
NEW_DEFINITION = "the definition changed"
# Commands that take something away which the source does not give back.
_CAUSES = {"forget": "somebody was forgotten", "restore": "the history was restored"}


@dataclass(frozen=True)
class Restatement:
    """A number that was restated, with its causes and the rows behind it, by their position."""

    number: Number
    causes: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """What differs between two publications.

    Attributes:
        before: What the earlier one speaks for.
        after: What the later one speaks for.
        remarks: What a reader must know first: other settings, other definitions, what could not
            be compared; in words.
        restatements: By query, period and column.
        rows: The rows behind them.
    """

    before: Stamp
    after: Stamp
    remarks: tuple[str, ...]
    restatements: tuple[Restatement, ...]
    rows: tuple[ChangedRow, ...]


def resolve(settings: Settings, text: str | None, on_note: Note | None = None) -> Path:
    """Return the file that ``text`` names: a path, or a publication; None is the warehouse.

    Raises:
        UsageError: There is no such file or publication.
    """
    if text is None:
        return settings.warehouse
    if Path(text).is_file():
        return Path(text)
    return find_publication(settings.warehouse, text, settings.timezone, on_note=on_note).path


def compare(settings: Settings, before: Path, after: Path) -> Comparison:
    """Return the public numbers that ``after`` restates, of periods complete in ``before``.

    Every query of the library that marks complete periods is compared, with its default
    parameters. Queries of the present are compared only where both files speak for one instant.
    Which rows are behind a number, and to which numbers a change of one carries over, the queries'
    headers say.

    Raises:
        UsageError: A file is no warehouse, has no marts, or ``before`` speaks for a later instant.
    """
    library = load_library()
    old_stamp, old, old_missing = _run_all(before, library)
    new_stamp, new, new_missing = _run_all(after, library)
    if old_stamp.as_of > new_stamp.as_of:
        raise UsageError(
            f"{before} speaks for {old_stamp.as_of:%Y-%m-%d %H:%M} UTC, which is later than"
            f" {new_stamp.as_of:%Y-%m-%d %H:%M}",
            remedy="give the earlier publication first",
        )
    with OpenWarehouse(before) as warehouse:
        span = read_span(warehouse)
    numbers = [
        number
        for name in old.keys() & new.keys()
        if is_periodic(library[name]) or old_stamp.as_of == new_stamp.as_of
        for number in changed_numbers(library[name], old[name], new[name], span.complete_until)
        # What an earlier version did not count was not restated.
        if number.before is not None or old_stamp.definitions == new_stamp.definitions
    ]
    numbers.sort(key=_order)
    remarks = [*settings_apart(old_stamp, new_stamp), *_missing(old_missing, new_missing)]
    with duckdb.connect(config=OFFLINE) as db:
        for name, path in (("a", before), ("b", after)):
            db.execute(f"attach {literal(str(path))} as {name} (read_only)")
        restatements, rows, unread = explain(
            db, numbers, library, span, old_stamp, new_stamp, settings
        )
    return Comparison(old_stamp, new_stamp, (*remarks, *unread), tuple(restatements), tuple(rows))


def explain(
    db: duckdb.DuckDBPyConnection,
    numbers: Sequence[Number],
    library: Mapping[str, Query],
    span: Span,
    before: Stamp,
    after: Stamp,
    settings: Settings,
) -> tuple[list[Restatement], list[ChangedRow], list[str]]:
    """Return why each of ``numbers`` was restated, the rows behind them, and what was not read.

    Args:
        db: Has the earlier marts attached as ``a`` and the later ones as ``b``.
        numbers: What was restated.
        library: The queries, whose headers say which rows are behind them.
        span: What the earlier marts had seen.
        before: What the earlier marts speak for.
        after: What the later ones speak for.
        settings: Lead to the journal.
    """
    rows: list[ChangedRow] = []
    unread: list[str] = []
    marts = {
        name: marts_behind(library[name], library) for name in {each.query for each in numbers}
    }
    # Rows of other settings or definitions differ for another reason than the data.
    is_of_one_kind = _scope(before) == _scope(after)
    if numbers and is_of_one_kind:
        needed = {mart for behind in marts.values() for mart in behind}
        rows, unread = _read_rows(db, needed, span)
    fallback = _fallback(settings, before, after)
    linked = _link(numbers, rows, marts, library)
    used = sorted({position for positions in linked for position in positions})
    place = {position: index for index, position in enumerate(used)}
    restatements = []
    for number, positions in zip(numbers, linked, strict=True):
        causes = sorted({rows[position].cause for position in positions})
        if not causes:
            is_grace = is_of_one_kind and number.column.startswith("in_grace")
            causes = ["grace ended"] if is_grace else [fallback]
        restatements.append(
            Restatement(number, tuple(causes), tuple(place[position] for position in positions))
        )
    return restatements, [rows[position] for position in used], unread


def _run_all(
    path: Path, library: Mapping[str, Query]
) -> tuple[Stamp, dict[str, Result], dict[str, str]]:
    """Return what the file speaks for, every comparable result, and why others have none."""
    results, missing = {}, {}
    with OpenWarehouse(path) as warehouse:
        stamp = warehouse.stamp
    kind = OpenWarehouse if stamp.definitions == DEFINITIONS else OlderWarehouse
    with kind(path) as warehouse:
        for query in library.values():
            if is_comparable(query):
                try:
                    results[query.name] = run_query(warehouse, query)
                except UsageError as error:
                    missing[query.name] = error.message
    return stamp, results, missing


def _order(number: Number) -> tuple[str, date, str, str]:
    key = " ".join(map(str, number.key.values()))
    return number.query, number.first_on or date.min, key, number.column


def _scope(stamp: Stamp) -> tuple[str, int, int]:
    return stamp.timezone, stamp.grace_days, stamp.definitions


def settings_apart(before: Stamp, after: Stamp) -> list[str]:
    """Return in words which settings and definitions of two files differ."""
    differences = [
        f"the {name} was {was} and is {now}, so numbers differ that nothing restated"
        for name, was, now in (
            ("reporting zone", before.timezone, after.timezone),
            ("number of grace days", before.grace_days, after.grace_days),
        )
        if was != now
    ]
    if before.definitions != after.definitions:
        changes = describe_changes(before.definitions, after.definitions)
        differences.append(
            f"the definitions were version {before.definitions} and are version"
            f" {after.definitions}: {changes}"
        )
    return differences


def _missing(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [
        f"{name} was not compared: {reason}" for name, reason in sorted((before | after).items())
    ]


def _fallback(settings: Settings, before: Stamp, after: Stamp) -> str:
    """Return the cause of a number that no row explains."""
    if before.definitions != after.definitions:
        return NEW_DEFINITION
    if _scope(before) != _scope(after):
        return "other settings"
    start, end = (stamp.synced_at or stamp.as_of for stamp in (before, after))
    for entry in read_journal(settings.warehouse):
        is_between = start <= datetime.fromisoformat(entry["finished_at"]) <= end
        if is_between and entry["command"] in _CAUSES and entry["exit_code"] == 0:
            return _CAUSES[entry["command"]]
    return NOT_PROVEN


def read_span(warehouse: OpenWarehouse) -> Span:
    """Return what the marts of the open warehouse had seen."""
    stamp = warehouse.stamp
    row = warehouse.connection.execute("select complete_until_on from marts.build_info").fetchone()
    assert row is not None  # noqa: S101  # there is a stamp, which is of the same row
    return Span(row[0], stamp.as_of_on, stamp.grace_days)


def marts_behind(query: Query, library: Mapping[str, Query]) -> tuple[str, ...]:
    """Return the marts, among those compared row by row, whose rows ``query`` rests on.

    They are the first that each of its ``rows`` reads; a query without any lists them itself.
    """
    found: dict[str, None] = {}
    for each in query.rows or (query.name,):
        first = next(iter(read_tables(library[each])), "")
        mart = first.removeprefix("marts.")
        if mart in DRILL_DOWNS:
            found[mart] = None
    return tuple(found)


def _read_rows(
    db: duckdb.DuckDBPyConnection, needed: Collection[str], span: Span
) -> tuple[list[ChangedRow], list[str]]:
    """Return the rows of the marts ``needed`` that changed, and what could not be read."""
    rows: list[ChangedRow] = []
    unread = []
    db.execute("set enable_progress_bar = false")
    # Those of payments come first: they explain those of members.
    for mart in DRILL_DOWNS if needed else ():
        try:
            found = list(changed_rows(db, mart, span))
        except duckdb.Error as error:
            reason = first_line(error)
            unread.append(f"the rows of {mart} could not be compared: {reason}")
        else:
            rows += found if mart in needed else []
    return rows, unread


_Positions = dict[str, dict[date, list[tuple[int, RowVersion]]]]
"""By mart and month, the positions of rows and their versions in that month."""


def _link(
    numbers: Iterable[Number],
    rows: Sequence[ChangedRow],
    marts: Mapping[str, Sequence[str]],
    library: Mapping[str, Query],
) -> list[list[int]]:
    """Return for each number the positions of the rows behind it.

    Those are the rows that fall into its period, or into the days before it that it also holds, and
    share its parts (currency, product …). Where there is none, a number to which earlier changes
    are carried forward, such as a balance, has those of the last earlier month that has any.
    """
    places: _Positions = defaultdict(lambda: defaultdict(list))
    for position, row in enumerate(rows):
        for version in row.versions:
            places[row.mart][version.day.replace(day=1)].append((position, version))
    return [
        sorted(_behind(number, marts[number.query], library[number.query], places))
        for number in numbers
    ]


def _behind(number: Number, marts: Iterable[str], query: Query, places: _Positions) -> set[int]:
    if number.first_on is None or number.end_on is None:
        return set()
    days = query.carries if isinstance(query.carries, int) else 0
    first = number.first_on - timedelta(days=days)
    found: set[int] = set()
    for mart in marts:
        months = places.get(mart, {})
        month = first.replace(day=1)
        while month < number.end_on:
            found |= {
                position
                for position, version in months.get(month, ())
                if first <= version.day < number.end_on and _shares(version, number.key)
            }
            month = add_months(month, 1)
        if not found and query.carries == "forward":
            for earlier in sorted((each for each in months if each < first), reverse=True):
                found = {
                    position
                    for position, version in months[earlier]
                    if _shares(version, number.key)
                }
                if found:
                    break
    return found


def _shares(version: RowVersion, parts: dict[str, object]) -> bool:
    return all(parts[name] == value for name, value in version.parts.items() if name in parts)
