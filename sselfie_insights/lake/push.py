"""Push the mirror into the lake: Parquet files by their content, and a manifest of them, last."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from sselfie_insights.errors import StorageError
from sselfie_insights.lake.store import Store
from sselfie_insights.sql import literal, quote
from sselfie_insights.warehouse.meta import read_last_sync
from sselfie_insights.warehouse.storage import OFFLINE, storage_errors

MANIFEST = "manifest.json"

FORMAT = 1
"""Of the manifest; another version of ours that reads it otherwise has another number."""

VIEWS = {"raw": "app__", "stripe_export": "stripe__", "snapshots": ""}
"""What is pushed, by schema, and how its views' names begin; macros/relations.sql knows them."""

PART_ROWS = 1_000_000
"""Ids in a part of a table that counts its rows, so that a change rewrites no more than these."""

_PLAIN = {
    "BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "int",
    "BIGINT": "bigint", "FLOAT": "float", "DOUBLE": "double", "VARCHAR": "string", "DATE": "date",
    "TIMESTAMP": "timestamp_ntz", "TIMESTAMP WITH TIME ZONE": "timestamp_ltz",
}  # fmt: skip
"""DuckDB's types that Parquet and Spark have, too, by Spark's names; others travel as text."""

_INSTANTS = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"})


@dataclass(frozen=True)
class Part:
    """Some rows of a table: the path of their file, and how many they are."""

    path: str
    row_count: int


@dataclass(frozen=True)
class Table:
    """A table of the lake.

    Attributes:
        view: The name under which models read it.
        schema: Its columns and their types, as Spark writes them.
        parts: Its files.
    """

    view: str
    schema: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class PushReport:
    """What a push did: the tables of the lake, and the files and rows that it wrote."""

    tables: tuple[Table, ...]
    file_count: int
    row_count: int


def push(warehouse: Path, store: Store) -> PushReport:
    """Make the lake hold what is mirrored in ``warehouse``: raw, Stripe's exports, histories.

    A part is named by what it holds, so one that is there already is not written again, and no
    file changes while somebody reads it. The manifest is replaced last.

    Args:
        warehouse: A warehouse that nobody writes meanwhile.
        store: The lake.

    Raises:
        UsageError: Nothing was synced into the warehouse.
        StorageError: The lake cannot be written, or a newer version wrote it.
    """
    known = {part.path for table in read_tables(store) for part in table.parts}
    written: list[Part] = []
    tables = []
    with (
        TemporaryDirectory(prefix="sselfie-lake-") as folder,
        storage_errors("the mirror cannot be written as Parquet"),
        duckdb.connect(str(warehouse), read_only=True, config=OFFLINE) as db,
    ):
        db.execute("set TimeZone = 'UTC'")
        sync = read_last_sync(db, warehouse)
        for schema, name, columns in _list_tables(db):
            parts = []
            for part, condition in _list_parts(db, schema, name, columns):
                parts.append(part)
                if part.path not in known:
                    file = Path(folder, "part.parquet")
                    _write(db, schema, name, columns, condition, file)
                    store.put(file, part.path)
                    written.append(part)
            spark = ", ".join(f"`{column}` {_spark_type(kind)}" for column, kind in columns)
            tables.append(Table(VIEWS[schema] + name, spark, tuple(parts)))
    if written or tables != read_tables(store):
        store.write(
            MANIFEST,
            {
                "format": FORMAT,
                "pushed_at": datetime.now(UTC).isoformat(),
                "run_id": sync.run_id,
                "snapshot_at": sync.snapshot_at.isoformat(),
                "tables": [asdict(table) for table in tables],
            },
        )
    return PushReport(tuple(tables), len(written), sum(part.row_count for part in written))


def read_tables(store: Store) -> list[Table]:
    """Return the tables that the lake's manifest names; none where there is no manifest.

    Raises:
        StorageError: It cannot be read, or a newer version wrote it.
    """
    manifest = store.read(MANIFEST)
    if manifest is None:
        return []
    if manifest["format"] > FORMAT:
        raise StorageError(
            f"a newer version wrote the lake at {store.address}", remedy="update sselfie-insights"
        )
    return [
        Table(each["view"], each["schema"], tuple(Part(**part) for part in each["parts"]))
        for each in manifest["tables"]
    ]


def _list_tables(
    db: duckdb.DuckDBPyConnection,
) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Yield schema, name and columns, each with its type, of every table to be pushed."""
    schemas = ", ".join(literal(schema) for schema in VIEWS)
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, column, kind in db.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns()"
        " where not internal and database_name = current_database()"
        f" and schema_name in ({schemas}) order by schema_name, table_name, column_index"
    ).fetchall():
        found.setdefault((schema, table), []).append((column, kind))
    for (schema, table), columns in found.items():
        yield schema, table, columns


def _list_parts(
    db: duckdb.DuckDBPyConnection, schema: str, name: str, columns: list[tuple[str, str]]
) -> Iterator[tuple[Part, str]]:
    """Yield the parts of a table, each with the condition of its rows.

    A digest is the sum of the hashes of a part's rows, which no order changes, beside what else
    the file depends on: types, and how DuckDB hashes.
    """
    key = "0"
    if dict(columns).get("id") in ("INTEGER", "BIGINT"):
        key = f"id // {PART_ROWS}"
    elif dict(columns).get("created_at") in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
        key = "date_trunc('year', created_at)"
    rows = db.execute(
        f"select {key} as part, count(*), cast(sum(hash(t)) as varchar)"
        f" from {quote(schema)}.{quote(name)} as t group by all order by part"
    ).fetchall()
    folder = f"{schema}/{re.sub(r'[^a-z0-9_]', '_', name)}-{sha256(name.encode()).hexdigest()[:8]}"
    for part, count, total in rows or [(None, 0, "")]:
        known = [duckdb.__version__, columns, str(part), count, total]
        digest = sha256(json.dumps(known).encode()).hexdigest()[:32]
        condition = f"{key} is not distinct from {_literal(part)}" if rows else "false"
        yield Part(f"{folder}/{digest}.parquet", count), condition


def _literal(part: Any) -> str:
    return literal(part.isoformat(sep=" ")) if isinstance(part, datetime) else literal(part)


def _write(
    db: duckdb.DuckDBPyConnection,
    schema: str,
    name: str,
    columns: list[tuple[str, str]],
    condition: str,
    file: Path,
) -> None:
    selected = ", ".join(_expression(column, kind) for column, kind in columns)
    db.execute(
        f"copy (select {selected} from {quote(schema)}.{quote(name)} where {condition})"
        f" to {literal(str(file))} (format parquet, compression zstd)"
    )


def _expression(column: str, kind: str) -> str:
    name = quote(column)
    if kind in _INSTANTS:
        # Parquet has no infinity; models know no event in either of these years.
        return (
            f"case when isfinite({name}) then {name} when {name} is not null"
            f" then cast('9999-12-31' as {kind}) end as {name}"
        )
    return name if _spark_type(kind) != "string" else f"cast({name} as varchar) as {name}"


def _spark_type(kind: str) -> str:
    """Return Spark's name of a type of DuckDB's; ``string`` of one that travels as text."""
    if kind.endswith("[]") and kind.removesuffix("[]") in _PLAIN:
        return f"array<{_PLAIN[kind.removesuffix('[]')]}>"
    if kind.startswith("DECIMAL("):
        return kind.lower()
    return _PLAIN.get(kind, "string")
