"""Into an empty, migrated database, in one transaction, by COPY."""

from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from sselfie_insights.contract import Table, load_contract
from sselfie_insights.errors import SourceError, UsageError
from sselfie_insights.postgres import Connection

_TYPES: Mapping[str, pl.DataType] = {
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "timestamptz": pl.Datetime("us"),
}


def require_empty(connection: Connection) -> None:
    """Refuse a database that is not migrated, or that holds anything.

    Raises:
        SourceError: Tables are missing, or may not be read.
        UsageError: A table has rows.
    """
    tables = load_contract()
    found = {
        row[0]
        for row in connection.execute(
            "select tablename from pg_tables where schemaname = current_schema()"
        )
    }
    missing = [name for name in tables if name not in found]
    if missing:
        raise SourceError(
            f"database {connection.info.dbname!r} is not migrated: "
            f"{len(missing)} of {len(tables)} tables are missing, first {missing[0]!r}",
            remedy="run 'sselfie migrate apply'",
        )
    for name in tables:
        query = sql.SQL("select exists (select from {})").format(sql.Identifier(name))
        try:
            row = connection.execute(query).fetchone()
        except psycopg.Error as error:
            raise SourceError(
                f"table {name!r} cannot be read: {error.diag.message_primary or error}",
                remedy="simulate as the owner of the tables",
            ) from error
        if row and row[0]:
            raise UsageError(
                f"database {connection.info.dbname!r} is not empty: table {name!r} has rows",
                remedy="create a new database, run 'sselfie migrate apply', and simulate into that",
            )


def by_dependency(tables: Iterable[Table]) -> list[Table]:
    """Return ``tables`` so that each comes after those it references."""
    ordered: dict[str, Table] = {}
    waiting = list(tables)
    while waiting:
        for table in waiting:
            needs = {each.references for each in table.columns if each.references}
            if needs - {table.name} <= ordered.keys():
                ordered[table.name] = table
        waiting = [table for table in waiting if table.name not in ordered]
    return list(ordered.values())


def copy_tables(
    connection: Connection,
    columns: Mapping[str, tuple[str, ...]],
    rows: Mapping[str, list[tuple[Any, ...]]],
) -> None:
    """Append ``rows`` by table, referenced tables first; instants are microseconds since 1970.

    Raises:
        SourceError: The database does not take them.
    """
    for table in by_dependency(load_contract().values()):
        if rows[table.name]:
            _copy(connection, table, columns[table.name], rows[table.name])


def _copy(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    frame = pl.DataFrame(
        [
            _series(name, table.column(name).data_type, values)
            for name, values in zip(columns, zip(*rows, strict=True), strict=True)
        ]
    )
    text = BytesIO()
    frame.write_csv(text, include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f+00")
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    try:
        with connection.cursor().copy(statement) as copy:
            copy.write(text.getbuffer())
    except psycopg.Error as error:
        reason = error.diag.message_primary or error
        raise SourceError(
            f"table {table.name!r} does not take the simulated rows: {reason}",
            remedy="compare it with 'sselfie migrate status'",
        ) from error


def _series(name: str, data_type: str, values: tuple[Any, ...]) -> pl.Series:
    kind = _TYPES.get(data_type, pl.String())
    if isinstance(kind, pl.Datetime):
        return pl.Series(name, values, dtype=pl.Int64()).cast(kind)
    return pl.Series(name, values, dtype=kind)


def advance_sequences(connection: Connection, last_ids: Mapping[str, int]) -> None:
    """Let the application's next row of each table get the next free number."""
    for table, last_id in last_ids.items():
        connection.execute("select setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, last_id])


def drift(connection: Connection) -> None:
    """Turn the documented schema, with its rows, into a live-like one."""
    connection.execute(Path(__file__).with_name("live.sql").read_bytes())
