"""What the warehouse remembers of its syncs: the schema ``meta``, written with the data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from sselfie_insights.errors import StorageError
from sselfie_insights.sql import literal
from sselfie_insights.sync.columns import Mirror
from sselfie_insights.sync.report import SyncReport, TableReport
from sselfie_insights.sync.source import Seen, Snapshot
from sselfie_insights.warehouse.format import read_format, write_format_version
from sselfie_insights.warehouse.meta import SYNC_TABLES, as_instant
from sselfie_insights.warehouse.storage import OFFLINE, REPLACE, damaged

Row = tuple[Any, ...]

Difference = tuple[str, str | None, str, str]
"""Of two schemas: table, column or None, kind, and detail."""


@dataclass(frozen=True)
class MirroredColumn:
    """One column as an earlier sync left it."""

    name: str
    number: int
    type: str
    mirror_name: str
    transfer_mode: str
    reason: str


@dataclass(frozen=True)
class MirroredTable:
    """One table as an earlier sync left it.

    Attributes:
        schema: Its schema in the source.
        name: Its name in the source.
        mirror_schema: Its schema in the warehouse.
        mirror_name: Its name in the warehouse.
        oid: Its object id in the source.
        fingerprint: ``SourceTable.fingerprint`` then.
        identity: The history of the source that ``xmin`` belongs to.
        xmin: The snapshot's oldest running transaction.
        xmax: The snapshot's next transaction.
        row_count: Its rows.
        is_suspect: Whether it differed from the source when last verified.
        columns: Its columns.
    """

    schema: str
    name: str
    mirror_schema: str
    mirror_name: str
    oid: int
    fingerprint: str
    identity: str
    xmin: int
    xmax: int
    row_count: int
    is_suspect: bool
    columns: tuple[MirroredColumn, ...]


@dataclass(frozen=True)
class State:
    """What the warehouse holds.

    Attributes:
        tables: The mirrored tables by (schema, name) in the source.
        drift: The rows of ``meta.contract_drift``.
        last_snapshot_at: The instant of the last sync.
        last_identity: The history of the source that it saw.
        last_wal_position: How much of that history's log it saw; None if it did not record that.
    """

    tables: dict[tuple[str, str], MirroredTable]
    drift: frozenset[Difference]
    last_snapshot_at: datetime | None
    last_identity: str = ""
    last_wal_position: int | None = None

    def seen(self, identity: str) -> Seen | None:
        """Return what the last sync saw of a source with the history ``identity``."""
        if self.last_snapshot_at is None:
            return None
        is_same = bool(identity) and identity == self.last_identity
        return Seen(self.last_snapshot_at, self.last_wal_position if is_same else None)


EMPTY = State({}, frozenset(), None)


def read_state(warehouse: Path) -> State:
    """Return what the file ``warehouse`` holds; nothing when there is no file.

    Raises:
        UsageError: A newer version wrote it.
        StorageError: It is damaged, or not a warehouse.
    """
    if not warehouse.exists():
        return EMPTY
    if not warehouse.is_file():  # of a pipe, the opening would wait
        raise StorageError(f"{warehouse} is no regular file", remedy=REPLACE)
    try:
        with duckdb.connect(warehouse, read_only=True, config=OFFLINE) as db:
            return _read(db)
    except duckdb.Error as error:
        raise damaged(warehouse, error) from None


def _read(db: duckdb.DuckDBPyConnection) -> State:
    version = read_format(db)
    if version is None:
        return EMPTY
    columns: dict[tuple[str, str], list[MirroredColumn]] = {}
    for schema, table, *column in db.execute(
        "select schema_name, table_name, column_name, number, data_type, mirror_column, travel,"
        " reason"
        " from meta.mirror_columns order by number"
    ).fetchall():
        columns.setdefault((schema, table), []).append(MirroredColumn(*column))
    present = set(db.execute("select schema_name, table_name from duckdb_tables()").fetchall())
    tables = {
        (row[0], row[1]): MirroredTable(*(*row, tuple(columns.get((row[0], row[1]), ()))))
        for row in db.execute(
            "select schema_name, table_name, mirror_schema, mirror_table, oid, fingerprint,"
            " lineage, snapshot_xmin, snapshot_xmax, row_count, is_suspect from meta.mirror_tables"
        ).fetchall()
        # A table that someone removed from the mirror is unknown again.
        if (row[2], row[3]) in present or (row[0], row[1]) not in columns
    }
    drift = db.execute(
        "select table_name, column_name, kind, detail from meta.contract_drift"
    ).fetchall()
    position = "wal_position" if version >= 3 else "null"
    last = db.execute(
        f"select epoch_us(snapshot_at), lineage, {position} from meta.sync_runs"
        " order by snapshot_at desc, started_at desc limit 1"
    ).fetchone()
    if last is None:
        return State(tables, frozenset(drift), None)
    return State(tables, frozenset(drift), as_instant(last[0]), *last[1:])


class MetaWriter:
    """Writes ``meta`` in the transaction that writes the data."""

    def __init__(self, db: duckdb.DuckDBPyConnection, run_id: str) -> None:
        self._db = db
        self._run_id = run_id
        self._forgotten: list[tuple[str, str]] = []
        self._tables: list[Row] = []
        self._columns: list[Row] = []
        db.execute(SYNC_TABLES)

    def forget(self, schema: str, name: str) -> None:
        """Forget a mirrored table."""
        self._forgotten.append((schema, name))

    def remember(
        self, mirror: Mirror, *, identity: str, snapshot: Snapshot, row_count: int, is_suspect: bool
    ) -> None:
        """Remember a table as it is mirrored now."""
        table = mirror.table
        self.forget(table.schema, table.name)
        self._tables.append(
            (
                table.schema,
                table.name,
                mirror.schema,
                mirror.name,
                table.oid,
                mirror.fingerprint,
                identity,
                snapshot.xmin,
                snapshot.xmax,
                row_count,
                is_suspect,
                self._run_id,
            )
        )
        self._columns += [
            (
                table.schema,
                table.name,
                column.source.name,
                column.source.number,
                column.source.type,
                column.name,
                column.type,
                column.transfer_mode,
                column.reason,
            )
            for column in mirror.columns
        ]

    def record(
        self,
        report: SyncReport,
        *,
        source: str,
        identity: str,
        wal_position: int,
        changes: Iterable[Difference],
        drift: Iterable[Difference],
    ) -> None:
        """Write the run, what it did to each table, and how the source's schema differs.

        Args:
            report: What the run did.
            source: Where the source is; nothing secret.
            identity: The source's history.
            wal_position: How much of its log the sync saw.
            changes: What changed in its schema since the sync before.
            drift: How it differs from the contract.
        """
        if self._forgotten:
            for table in ("mirror_tables", "mirror_columns"):
                self._db.execute(
                    f"delete from meta.{table} where (schema_name, table_name) in"
                    f" (values {_values(self._forgotten)})"
                )
        self._insert("mirror_tables", self._tables)
        self._insert("mirror_columns", self._columns)
        write_format_version(self._db)
        self._db.execute("delete from meta.contract_drift")
        self._insert("contract_drift", list(drift))
        self._insert("schema_changes", [(self._run_id, *change) for change in changes])
        self._insert("sync_tables", [_table_row(report, table) for table in report.tables])
        self._insert("sync_runs", [_run_row(report, source, identity, wal_position)])

    def _insert(self, table: str, rows: Sequence[Row]) -> None:
        """Insert ``rows`` in one statement: DuckDB is slow row by row."""
        if rows:
            self._db.execute(f"insert into meta.{table} values {_values(rows)}")


def _values(rows: Iterable[Row]) -> str:
    return ", ".join(f"({', '.join(map(literal, row))})" for row in rows)


def _table_row(report: SyncReport, table: TableReport) -> Row:
    return (
        report.run_id,
        table.schema,
        table.name,
        table.mirror_schema,
        table.mirror_name,
        table.mode,
        table.reason,
        table.row_count,
        table.inserted,
        table.updated,
        table.deleted,
        table.seconds,
        table.verification,
        table.detail,
    )


def _run_row(report: SyncReport, source: str, identity: str, wal_position: int) -> Row:
    return (
        report.run_id,
        report.mode,
        report.snapshot_at,
        report.started_at,
        report.started_at + timedelta(seconds=report.seconds),
        report.seconds,
        source,
        identity,
        report.attempts,
        len(report.tables),
        report.row_count,
        report.inserted,
        report.updated,
        report.deleted,
        wal_position,
    )
