"""Measure the mirror with DuckDB: counts, limits and distinct values, few enough for a data frame.

Nothing here judges. A measure that does not apply is missing from its row.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb

from sselfie_insights.check.rules import NATIVE_TYPES, Check, Subject
from sselfie_insights.check.values import Place, distinct_query, literals
from sselfie_insights.contract import Column, Table
from sselfie_insights.sql import literal
from sselfie_insights.warehouse.storage import explain_storage

Measures = dict[str, Any]
Values = list[tuple[str, int]]

BROKEN = "is_broken"
"""The measure that says whether the others could be taken."""

CLOCK_TOLERANCE = timedelta(days=1)
"""How far ahead of the sync an instant may lie: clocks differ, and so do zones of naive ones."""

_SYNCS = 5
"""How many of the last syncs the volume of a table is compared with; the fullest counts."""

_HISTORY_DAYS = 90
"""In how many days before a table's newest row its usual gaps are looked for."""

_DAY = 86_400_000_000
"""Microseconds."""

_LEDGER = frozenset({"amount", "balance_after", "created_at", "id", "user_id"})
"""The columns without which no movement of credits follows another."""


class MeasuredMirror:
    """The tables of the mirror's main schema, ``raw``, as they are found in the open file.

    Args:
        connection: The warehouse, in the time zone UTC.
        read_at: The instant of the sync, UTC and naive.
        as_of: The instant that the data speaks for, UTC and naive.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, read_at: datetime, as_of: datetime
    ) -> None:
        self._connection = connection
        self._read_at, self._as_of = read_at, as_of
        self._types: dict[str, dict[str, str]] = {}
        for table, column, data_type in connection.execute(
            "select table_name, column_name, data_type from duckdb_columns()"
            " where schema_name = 'raw' and not internal"
        ).fetchall():
            self._types.setdefault(table, {})[column] = data_type

    def find(self, table: Table, column: Column) -> Place | None:
        """Return where ``column`` is, under its own name or an alias, if it is there at all."""
        found = self._types.get(table.name, {})
        for name in (column.name, *column.aliases):
            if name in found:
                return Place(name, found[name])
        return None

    def measure_columns(self, checks: Sequence[Check]) -> dict[Subject, Measures]:
        """Return, for every column that a check is about, what the checks need to know of it."""
        measures: dict[Subject, Measures] = {}
        wanted: dict[str, dict[tuple[Subject, str], str]] = defaultdict(dict)
        for check in checks:
            assert check.column is not None  # noqa: S101  # these checks are about columns
            place = self.find(check.table, check.column)
            known = measures.setdefault(check.subject, {})
            if check.rule == "present":
                instead = check.column.instead and check.table.column(check.column.instead)
                known["is_present"] = bool(place or (instead and self.find(check.table, instead)))
            if place is not None:
                for measure, expression in self._expressions(check, check.column, place):
                    wanted[check.table.name][check.subject, measure] = expression
        for table, expressions in wanted.items():
            for (subject, measure), value in self._aggregate(table, expressions).items():
                measures[subject][measure] = value
        for check in checks:
            if check.rule == "copies":
                self._leave_out_copies(check, measures[check.subject])
        return measures

    def _leave_out_copies(self, check: Check, known: Measures) -> None:
        """Count rows with a key that are exact copies of others, and the others' keys alone."""
        assert check.column is not None  # noqa: S101  # these checks are about columns
        place = self.find(check.table, check.column)
        if place is None or known.get("key_count") == known.get("distinct_count"):
            return
        row = self._one(
            f'select count(*) from (select distinct * from raw."{check.table.name}"'
            f" where {place.sql} is not null)"
        )
        if row is not None and row[0] < known["key_count"]:
            known["copy_count"] = known["key_count"] - row[0]
            known["key_count"] = row[0]

    def _aggregate(
        self, table: str, expressions: Mapping[tuple[Subject, str], str]
    ) -> dict[tuple[Subject, str], Any]:
        """Return the value of every aggregate, all of one scan.

        Where that fails, those of each column by themselves, so that only the guilty is broken.
        """
        values = self._one(f'select {", ".join(expressions.values())} from raw."{table}"')
        if values is not None:
            return dict(zip(expressions, values, strict=True))
        subjects = {subject for subject, _ in expressions}
        if len(subjects) == 1:
            return {(subject, BROKEN): True for subject in subjects}
        found: dict[tuple[Subject, str], Any] = {}
        for subject in subjects:
            own = {key: each for key, each in expressions.items() if key[0] == subject}
            found |= self._aggregate(table, own)
        return found

    def _expressions(self, check: Check, column: Column, place: Place) -> Iterable[tuple[str, str]]:
        """Yield the name and the aggregate of every measure of a check."""
        yield "value_count", f"count({place.sql})"
        match check.rule:
            case "not_null":
                yield "null_count", f"count(*) - count({place.sql})"
            case "unique":
                yield "key_count", f"count({place.sql})"
                yield "distinct_count", f"count(distinct {place.sql})"
            case "type":
                yield "typed_count", f"count({place.sql})"
                yield "converted_count", f"count({_converted(column, place)})"
            case "range":
                yield from self._limits(check.table, column, place)
            case "future":
                latest = f"max({place.instant})"
                limit = place.moment(self._read_at + CLOCK_TOLERANCE)
                yield (
                    "latest",
                    f"case when isinf({latest}) then 'inf'::double else epoch({latest}) end",
                )
                yield "ahead_after", f"epoch({limit})"
                yield "ahead_count", f"count_if({place.instant} > {limit})"
            case "foreign_key":
                yield from self._references(check.table, column, place)

    def _limits(self, table: Table, column: Column, place: Place) -> Iterable[tuple[str, str]]:
        outside = []
        if column.minimum is not None:
            applies = "true"
            for name, values in column.minimum_unless.items():
                other = self.find(table, table.column(name))
                if other is not None:
                    applies += f" and coalesce({other.text}, '') not in ({literals(values)})"
            yield "least", f"min({place.number}) filter (where {applies})"
            yield "lower", str(column.minimum)
            outside.append(f"({place.number} < {column.minimum} and {applies})")
        if column.maximum is not None:
            yield "greatest", f"max({place.number})"
            yield "upper", str(column.maximum)
            outside.append(f"{place.number} > {column.maximum}")
        yield "outside_count", f"count_if({' or '.join(outside)})"

    def _references(self, table: Table, column: Column, place: Place) -> Iterable[tuple[str, str]]:
        parent = self._types.get(column.references or "", {}).get("id")
        if parent is None:
            return
        key = "id"
        value = place.sql
        if parent != place.type:
            key, value = "cast(id as varchar)", place.text
        yield "reference_count", f"count({place.sql})"
        yield (
            "matched_count",
            f'(select count(*) from raw."{table.name}"'
            f' where {value} in (select {key} from raw."{column.references}"))',
        )

    def has(self, check: Check) -> bool:
        """Say whether the columns that a check is about are there."""
        assert check.column is not None  # noqa: S101  # these checks are about columns
        needed = _LEDGER if check.rule == "ledger" else frozenset()
        found = self._types.get(check.table.name, {}).keys()
        return self.find(check.table, check.column) is not None and needed <= found

    def measure_values(self, check: Check) -> Values | None:
        """Return a column's distinct values, or their shapes, with the rows that have them.

        None where they are unknown.
        """
        assert check.column is not None  # noqa: S101  # these checks are about columns
        place = self.find(check.table, check.column)
        assert place is not None  # noqa: S101  # see ``has``
        found = self._types[check.table.name]
        return self._all(distinct_query(check, place, found))

    def measure_volumes(self, checks: Sequence[Check], schema: str) -> dict[Subject, Measures]:
        """Return the rows of every table now, and the most that one of the last syncs found.

        Args:
            checks: One for every table.
            schema: The schema of the source that ``raw`` mirrors.
        """
        former = dict(
            self._connection.execute(
                f"""
                with syncs as (
                    select
                        tables.table_name, tables.row_count,
                        row_number() over (
                            partition by tables.table_name order by runs.snapshot_at desc
                        ) as recency
                    from meta.sync_tables as tables
                    inner join meta.sync_runs as runs on tables.run_id = runs.run_id
                    where tables.schema_name = {literal(schema)}
                )
                select table_name, max(row_count) from syncs where recency <= {_SYNCS}
                group by table_name
                """
            ).fetchall()
        )
        measures: dict[Subject, Measures] = {}
        for check in checks:
            name = check.table.name
            if name not in self._types:  # numbers made from it are not known; that says so
                measures[check.subject] = {}
                continue
            row = self._one(f'select count(*) from raw."{name}"')
            known = {"row_count": row[0], "former_count": former.get(name)} if row else {}
            measures[check.subject] = known or {BROKEN: True}
        return measures

    def measure_freshness(self, checks: Sequence[Check]) -> dict[Subject, Measures]:
        """Return the age in days of every table's newest row, and its longest gap before."""
        measures: dict[Subject, Measures] = {}
        for check in checks:
            freshness = check.table.freshness
            assert freshness is not None  # noqa: S101  # these checks are about such tables
            place = self.find(check.table, check.table.column(freshness.column))
            if place is None:
                continue
            at, as_of = place.instant, place.moment(self._as_of)
            row = self._one(
                f"""
                with days as (
                    select epoch_us({at}) // {_DAY} as day, max({at}) as last_at
                    from raw."{check.table.name}"
                    where {at} <= {as_of} and isfinite({at})
                    group by day
                ),
                newest as (select max(day) as day, max(last_at) as last_at from days),
                gaps as (
                    select day - lag(day) over (order by day) as gap
                    from days
                    where day >= (select day - {_HISTORY_DAYS} from newest)
                )
                select
                    (epoch({as_of}) - (select epoch(last_at) from newest)) / 86400,
                    max(gap), count(*)
                from gaps
                """
            )
            names = ("age_days", "gap_days", "day_count")
            measures[check.subject] = dict(zip(names, row, strict=True)) if row else {BROKEN: True}
        return measures

    def _one(self, query: str) -> tuple[Any, ...] | None:
        """Return the row of an aggregate, None where it fails on some value."""
        rows = self._all(query)
        return rows[0] if rows else None

    def _all(self, query: str) -> list[Any] | None:
        """Return the rows of a query, None where it fails on some value.

        Raises:
            UsageError: It fails since the file is damaged.
            KeyboardInterrupt: The process was interrupted.
        """
        try:
            return self._connection.execute(query).fetchall()
        except duckdb.InterruptException:
            raise KeyboardInterrupt from None
        except duckdb.Error as error:
            if failure := explain_storage(str(error)):
                raise failure from None
            return None


def _converted(column: Column, place: Place) -> str:
    """Return a column as staging reads it, as far as it can be read."""
    native = {*NATIVE_TYPES[column.data_type], *map(str.upper, column.live_types)}
    if column.unit == "major":
        return place.amount
    if place.type in native or column.is_id:
        return place.sql
    if column.is_money and not column.unit:
        return place.whole  # of 97.00 nobody knows whether it is dollars or cents
    if column.is_money:
        return f"case when {place.amount} = floor({place.amount}) then {place.sql} end"
    if column.data_type == "timestamptz":
        return place.instant
    wanted = "bigint" if column.data_type == "integer" else column.data_type
    return f"try_cast({place.text} as {wanted})"
