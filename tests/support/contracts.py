"""Tables of marts and forecasts as their contracts promise them, for tests to fill.

Rows go in by the names of their columns: ``insert`` here, ``insert into … by name`` in SQL. What
they leave out is NULL, and a column that the contract lacks is an error; so a column more in a
contract breaks no test, and one that is gone breaks those that fill it.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from sselfie_insights.contract import find_marts, load_mart
from sselfie_insights.forecast.step import SCHEMAS
from sselfie_insights.warehouse.closed import TABLES
from sselfie_insights.warehouse.frames import write_table


def create_tables(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Create empty tables, ``marts.payments`` or ``forecast.churn_risk``; without names, all.

    Those of the schema ``closed`` are always there.

    Raises:
        KeyError: Neither dbt nor the forecasts know the table.
    """
    every = [f"marts.{name}" for name in find_marts()] + [f"forecast.{name}" for name in SCHEMAS]
    connection.execute(
        "begin; create schema if not exists marts; create schema if not exists forecast;"
        + "".join(f"create or replace table {name} ({_columns(name)});" for name in names or every)
        + TABLES
        + "commit;"
    )


def write_empty(path: Path) -> None:
    """Write a file with every table, or create them in the one that is there."""
    if not path.exists():
        path.write_bytes(_make_empty())
        return
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)


@cache
def _make_empty() -> bytes:
    """Return the file, which hundreds of tests begin with."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "w.duckdb")
        with duckdb.connect(str(path)) as connection:
            create_tables(connection)
        return path.read_bytes()


def insert(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: str,
    rows: Sequence[tuple[object, ...]],
) -> None:
    """Insert ``rows``, many a statement: one at a time takes DuckDB a millisecond each."""
    for start in range(0, len(rows), 500):
        part = rows[start : start + 500]
        marks = ", ".join(["(" + ", ".join("?" * len(part[0])) + ")"] * len(part))
        values = [value for row in part for value in row]
        connection.execute(f"insert into {table} ({columns}) values {marks}", values)


@cache
def _columns(name: str) -> str:
    schema, _, table = name.partition(".")
    if schema == "marts":
        return ", ".join(f"{column.name} {column.data_type}" for column in load_mart(table).columns)
    with duckdb.connect() as connection:
        write_table(connection, table, pl.DataFrame(schema=SCHEMAS[table]))
        found = connection.table(table)
        return ", ".join(
            f"{name} {kind}" for name, kind in zip(found.columns, found.types, strict=True)
        )
