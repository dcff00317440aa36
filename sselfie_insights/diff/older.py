"""Marts of an earlier version, read by the queries of this one."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from sselfie_insights.contract import find_marts, load_mart
from sselfie_insights.sql import literal, quote
from sselfie_insights.warehouse.frames import read_frame, write_table
from sselfie_insights.warehouse.reading import OpenWarehouse
from sselfie_insights.warehouse.storage import OFFLINE

_INFO = "build_info"
_WEEK = "first_week_on"


class OlderWarehouse(OpenWarehouse):
    """A published file whose marts lack what this version added to them.

    Its connection shows them as views with every column of their contracts; what the file lacks is
    NULL. A mart that it lacks altogether is not there. Weeks began on Monday.
    """

    def __init__(self, path: Path) -> None:
        """Open the file at ``path``.

        Raises:
            UsageError, StorageError: As for ``OpenWarehouse``, and there are no marts.
        """
        super().__init__(path)
        assert self.stamp  # noqa: S101  # read from the file, and kept
        info = read_frame(self.connection, f"from marts.{_INFO}")  # can be a view, of that file
        if _WEEK not in info.columns:
            info = info.with_columns(pl.lit(date(1, 1, 1)).alias(_WEEK))
        self.close()
        self.connection = duckdb.connect(config=OFFLINE)
        self.connection.execute("set enable_progress_bar = false; set TimeZone = 'UTC'")
        self.connection.execute(f"attach {literal(str(path))} as older (read_only)")
        found: dict[tuple[str, str], set[str]] = {}
        for schema, table, column in self.connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " semi join duckdb_tables() using (database_name, schema_name, table_name)"
            f" where database_name = 'older' and table_name <> '{_INFO}'"
        ).fetchall():
            found.setdefault((schema, table), set()).add(column)
        contracts = find_marts()
        self.connection.execute("create schema marts")
        for (schema, table), columns in found.items():
            name = f"{quote(schema)}.{quote(table)}"
            added = "".join(
                f", cast(null as {column.data_type}) as {quote(column.name)}"
                for column in (
                    load_mart(table).columns if schema == "marts" and table in contracts else ()
                )
                if column.name not in columns
            )
            self.connection.execute(f"create schema if not exists {quote(schema)}")
            self.connection.execute(f"create view {name} as select *{added} from older.{name}")
        write_table(self.connection, f"marts.{_INFO}", info)
