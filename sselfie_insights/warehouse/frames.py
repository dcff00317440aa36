"""Frames out of DuckDB and into it, through Arrow's C interface: no Arrow library is needed."""

from collections.abc import Mapping

import duckdb
import polars as pl


class _Stream:
    """A frame that DuckDB sees as an Arrow stream; as itself it would be sent through pyarrow."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)


def read_frame(connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    """Return what a SELECT gives."""
    return pl.DataFrame(connection.sql(sql))


def write_tables(
    connection: duckdb.DuckDBPyConnection, schema: str, tables: Mapping[str, pl.DataFrame]
) -> None:
    """Create ``<schema>.<name>`` from each frame."""
    for name, frame in tables.items():
        write_table(connection, f"{schema}.{name}", frame)


def write_table(
    connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame, kind: str = "table"
) -> None:
    """Create the table, or the temp table, ``name`` from ``frame``."""
    connection.register("frame", _Stream(frame))
    connection.execute(f"create or replace {kind} {name} as from frame")  # names of ours
    connection.unregister("frame")
