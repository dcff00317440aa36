"""The DuckDB Postgres extension: loaded from its wheel, and held at the sync's snapshot."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import duckdb

from sselfie_insights.sql import literal, quote
from sselfie_insights.sync.columns import Mirror
from sselfie_insights.sync.source import BEGIN, SESSION, Snapshot

SOURCE = "postgres/source"
"""The name under which the source is attached: the warehouse, called like its file, has another."""


def extension_path() -> Path:
    """Return the file of the extension that belongs to this DuckDB.

    Raises:
        FileNotFoundError: The wheel is missing, or belongs to another version of DuckDB.
    """
    spec = find_spec("duckdb_extension_postgres_scanner")
    roots = spec.submodule_search_locations if spec else None
    for root in roots or []:
        path = Path(
            root, "extensions", f"v{duckdb.__version__}", "postgres_scanner.duckdb_extension"
        )
        if path.exists():
            return path
    raise FileNotFoundError(
        "the wheel duckdb-extension-postgres-scanner is not installed for "
        f"duckdb {duckdb.__version__}"
    )


class Reader:
    """Reads the source inside the transaction of a DuckDB connection, at one snapshot.

    Every table is read in a Postgres transaction of its own that joins the snapshot, so that its
    lock is gone once it is read: a migration of the application waits for one table at most.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection, url: str) -> None:
        self._db = db
        db.load_extension(str(extension_path()))
        db.execute(f"attach {literal(url)} as {quote(SOURCE)} (type postgres, read_only)")

    def join(self, snapshot: Snapshot) -> Callable[[], None]:
        """Join ``snapshot``, and return the function that lets go of every lock held so far."""
        script = f"commit; {BEGIN}; set transaction snapshot '{snapshot.id}'; {SESSION}"
        statement = f"call postgres_execute('{SOURCE}', {literal(script)})"

        def release() -> None:
            self._db.execute(statement)

        if snapshot.is_standby:
            # The extension lets a table's further connections join the snapshot of no standby.
            self._db.execute("set pg_use_ctid_scan = false")
        release()
        return release


def select_table(mirror: Mirror, where: str = "") -> str:
    """Return the DuckDB query that reads ``mirror`` exactly; ``where`` is a Postgres condition."""
    columns = ", ".join(column.local for column in mirror.columns)
    if not mirror.table.is_populated:
        empty = ", ".join(f"null as {quote(column.name)}" for column in mirror.columns)
        return f"select {columns} from (select {empty}) where false"
    if mirror.is_direct and not where:
        name = f"{quote(SOURCE)}.{quote(mirror.table.schema)}.{quote(mirror.table.name)}"
        return f"select {columns} from {name}"
    return f"select {columns} from {query_source(mirror, where)}"


def query_source(mirror: Mirror, where: str = "", *, only_key: bool = False) -> str:
    """Return the DuckDB table function that reads ``mirror`` with a query of its own."""
    columns = mirror.key if only_key else [c for c in mirror.columns if c.transfer_mode != "secret"]
    remote = ", ".join(f"{c.remote} as {quote(c.name)}" for c in columns)
    query = f"select {remote or '1 as one'} from {mirror.remote}"
    if where:
        query += f" where {where}"
    return f"postgres_query('{SOURCE}', {literal(query)})"
