"""Bring one table of the mirror up to the snapshot: in full, or by its changed rows."""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from sselfie_insights.sql import literal, quote
from sselfie_insights.sync.columns import Column, Mirror
from sselfie_insights.sync.extension import query_source, select_table
from sselfie_insights.sync.source import Source
from sselfie_insights.warehouse.reading import count_rows

UNREPRESENTABLE = "holds a value that the native type cannot"

CHANGED = quote("sselfie changed")
PRESENT = quote("sselfie present")
"""Temporary tables, called as no table of a source is."""

DEAD_SHARE = 0.25
"""Deleted rows that a table's file keeps, to one that lives, before they are cleared away."""


@dataclass(frozen=True)
class Changes:
    """What a snapshot says of a table since an earlier one.

    Attributes:
        row_count: Its rows now.
        condition: The Postgres condition that is true of those alone that may be new or
            different; empty when there are none.
        unrepresentable: The source columns whose changed rows hold values that must travel as text.
    """

    row_count: int
    condition: str = ""
    unrepresentable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """What was done to one table of the mirror."""

    mirror: Mirror
    row_count: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


def count_changes(source: Source, mirror: Mirror, condition: str) -> Changes:
    """Return what changed in ``mirror`` by ``condition``, in one pass over the table.

    The pass finds where the changes begin, to spare the next ones what comes before: most of
    them lie at a table's end.
    """
    if not mirror.table.is_populated:
        return Changes(0)
    query = f"select count(*), (min(ctid) filter (where {condition}))::text from {mirror.remote}"
    row_count, first = source.execute(query)[0]
    if first is None:
        return Changes(row_count)
    condition = f"ctid >= '{first}' and {condition}"
    return Changes(row_count, condition, find_unrepresentable(source, mirror, condition))


def find_unrepresentable(
    source: Source, mirror: Mirror, condition: str = "true"
) -> tuple[str, ...]:
    """Return the source columns with values, in rows of ``condition``, that travel as text."""
    tests = [column for column in mirror.columns if column.remote_unrepresentable]
    if not tests or not mirror.table.is_populated:
        return ()
    flags = ", ".join(f"bool_or({column.remote_unrepresentable})" for column in tests)
    row = source.execute(f"select {flags} from {mirror.remote} where {condition}")[0]
    return tuple(column.source.name for column, flag in zip(tests, row, strict=True) if flag)


class Loader:
    """Writes the mirror through one DuckDB transaction.

    Args:
        db: The connection, inside a transaction.
        source: The source, at the snapshot.
        release: Lets go of the locks of the table just read.
    """

    def __init__(
        self, db: duckdb.DuckDBPyConnection, source: Source, release: Callable[[], None]
    ) -> None:
        self._db = db
        self._source = source
        self._release = release

    def reload(self, mirror: Mirror) -> Loaded:
        """Read the whole table again."""
        if not mirror.columns:  # DuckDB has no such tables
            return Loaded(mirror, count_changes(self._source, mirror, "false").row_count)
        mirror = mirror.with_text(find_unrepresentable(self._source, mirror), UNREPRESENTABLE)
        self._create(mirror)
        names = self._unrepresentable_instants(mirror, mirror.local)
        if names:
            mirror = mirror.with_text(names, UNREPRESENTABLE)
            self._create(mirror)
        row_count = count_rows(self._db, mirror.local)
        return Loaded(mirror, row_count, inserted=row_count)

    def refresh(self, mirror: Mirror, changes: Changes) -> Loaded | None:
        """Read the changed rows; return None where only a reload keeps the mirror exact.

        After the upsert the mirror holds every key of the source, so that equal counts prove
        that nothing was deleted. Otherwise the keys are compared.
        """
        if changes.unrepresentable:
            return None
        if self._count_dead(mirror) > DEAD_SHARE * changes.row_count:
            self._db.execute(f"create or replace table {mirror.local} as from {mirror.local}")
        read = updated = 0
        if changes.condition:
            self._db.execute(
                f"create or replace temp table {CHANGED} as"
                f" {select_table(mirror, changes.condition)}"
            )
            self._release()
            if self._unrepresentable_instants(mirror, CHANGED, changes.condition):
                return None
            read = count_rows(self._db, CHANGED)
            updated = self._delete(
                f"{mirror.local} using {CHANGED} where {_same_key(mirror, CHANGED)}"
            )
            self._db.execute(f"insert into {mirror.local} from {CHANGED}")
            self._db.execute(f"drop table {CHANGED}")
        deleted = 0
        if count_rows(self._db, mirror.local) != changes.row_count:
            deleted = self._delete_missing(mirror)
        if count_rows(self._db, mirror.local) != changes.row_count:
            return None
        return Loaded(mirror, changes.row_count, read - updated, updated, deleted)

    def _create(self, mirror: Mirror) -> None:
        self._db.execute(f"create or replace table {mirror.local} as {select_table(mirror)}")
        self._release()

    def _delete_missing(self, mirror: Mirror) -> int:
        keys = query_source(mirror, only_key=True)
        columns = ", ".join(column.local for column in mirror.key)
        self._db.execute(f"create or replace temp table {PRESENT} as select {columns} from {keys}")
        self._release()
        deleted = self._delete(
            f"{mirror.local} where not exists"
            f" (select 1 from {PRESENT} where {_same_key(mirror, PRESENT)})"
        )
        self._db.execute(f"drop table {PRESENT}")
        return deleted

    def _unrepresentable_instants(
        self, mirror: Mirror, relation: str, condition: str = "true"
    ) -> list[str]:
        suspects = [c for c in mirror.columns if c.local_unrepresentable]
        if not suspects:
            return []
        flags = ", ".join(f"coalesce({c.local_unrepresentable}, false)" for c in suspects)
        row = self._db.execute(f"select {flags} from {relation}").fetchone() or ()
        found = [column for column, flag in zip(suspects, row, strict=True) if flag]
        return [c.source.name for c in found if self._has_beyond(mirror, c, condition)]

    def _has_beyond(self, mirror: Mirror, column: Column, condition: str) -> bool:
        query = f"select 1 from {mirror.remote} where {condition} and {column.beyond} limit 1"
        return bool(self._source.execute(query))

    def _count_dead(self, mirror: Mirror) -> int:
        """Return the deleted rows that earlier syncs left in the table's row groups."""
        stored = self._db.execute(
            "select estimated_size from duckdb_tables() where database_name = current_database()"
            f" and schema_name = {literal(mirror.schema)} and table_name = {literal(mirror.name)}"
        )
        return _number(stored) - count_rows(self._db, mirror.local)

    def _delete(self, what: str) -> int:
        return _number(self._db.execute(f"delete from {what}"))


def drop_table(db: duckdb.DuckDBPyConnection, schema: str, name: str) -> None:
    """Remove a table of the mirror, if it is there."""
    db.execute(f"drop table if exists {quote(schema)}.{quote(name)}")


def ensure_schema(db: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Create a schema of the mirror, if it is not there."""
    db.execute(f"create schema if not exists {quote(schema)}")


def _same_key(mirror: Mirror, other: str) -> str:
    names = [quote(column.name) for column in mirror.key]
    return " and ".join(f"{mirror.local}.{name} = {other}.{name}" for name in names)


def _number(result: duckdb.DuckDBPyConnection) -> int:
    row = result.fetchone()
    assert row is not None  # noqa: S101 - a count has one row
    return int(row[0])
