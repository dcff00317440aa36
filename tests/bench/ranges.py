"""One large table mirrored three ways: as today, as Parquet by ranges of pages, and in DuckLake.

The other two are first steps, without what makes the mirror exact: no snapshot that tables share,
no values that travel as text, nothing that survives an interrupt. Their figures flatter them.
DuckLake is left out where its extension (``pip install duckdb-extension-ducklake``) is missing.
"""

import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import duckdb
import psycopg

from sselfie_insights.settings import Settings
from sselfie_insights.sync import sync
from sselfie_insights.sync.changes import changed_since
from sselfie_insights.sync.extension import extension_path
from tests.bench.build import GIGABYTE, Cost, in_process
from tests.bench.source import create_source
from tests.integration.sync.servers import new_database, run_server

TABLE = "ai_images"
RANGE_PAGES = 8_192
"""64 MiB of the table's heap, which is some 10 MiB of Parquet."""

NIGHTS = {
    "nothing changed": "",
    "1 % appended": (
        f"insert into {TABLE} (user_id, image_url, prompt, created_at)"
        f" select user_id, image_url, prompt, created_at + interval '2 years' from {TABLE}"
        " where id % 100 = 1"
    ),
    "1 % changed, of the newest tenth": (
        f"update {TABLE} set is_favorite = not is_favorite"
        f" where id > (select max(id) * 0.9 from {TABLE}) and id % 10 = 2"
    ),
    "1 % changed, anywhere": (
        f"update {TABLE} set is_favorite = not is_favorite where id % 100 = 3"
    ),
    "1 % deleted, anywhere": (
        f"set session_replication_role = replica; delete from {TABLE} where id % 100 = 4"
    ),
}
"""What happens to the table, one after the other."""

SCAN = (
    "select date_trunc('month', created_at), count(*), count(distinct user_id) from {} group by all"
)

Refresh = Callable[[str, Path, int], None]
"""Brings a store in a folder up to date, which showed the source before a transaction; 0: never."""


def run(rows: int) -> bool:
    """Measure on a table of ``rows`` rows; print the figures. There is no target to hold."""
    stores: dict[str, tuple[Refresh, Callable[[Path], None]]] = {
        "DuckDB": (refresh_mirror, scan_mirror),
        "Parquet": (refresh_ranges, scan_ranges),
    }
    if find_spec("duckdb_extension_ducklake"):
        stores["DuckLake"] = refresh_ducklake, scan_ducklake
    with (
        tempfile.TemporaryDirectory(prefix="sselfie-bench-") as temporary,
        run_server(18, max_wal_size="8GB", log_statement="none", autovacuum="off") as server,
        new_database(server or "", "bench") as url,
    ):
        create_source(url, rows, {TABLE: 1.0})
        folder = Path(temporary)
        for name in stores:
            (folder / name).mkdir()
        since = dict.fromkeys(stores, 0)
        print(f"ranges: {rows:,} rows of {TABLE}, {_size(url) / GIGABYTE:.2f} GB", flush=True)
        for night, change in {"in full": "", **NIGHTS}.items():
            _execute(url, change or "select 1")
            _execute(url, "checkpoint")
            for name, (refresh, _) in stores.items():
                now = _execute(url, "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
                cost = in_process(refresh, url, folder / name, since[name])
                since[name] = now
                _say(f"{night}, {name}", cost)
        for name, (_, scan) in stores.items():
            _say(f"three columns read, {name}", in_process(scan, folder / name))
            size = sum(file.stat().st_size for file in (folder / name).rglob("*.*"))
            print(f"  {name} holds {size / GIGABYTE:.2f} GB", flush=True)
    return True


def refresh_mirror(url: str, folder: Path, since: int) -> None:
    """Today's way: the changed rows, into a copy of the file that then takes its place."""
    report = sync(Settings(database_url=url, warehouse=folder / "w.duckdb"), tables=[TABLE])
    assert report.mode != "full" or not since, report.mode


def refresh_ranges(url: str, folder: Path, since: int) -> None:
    """A Parquet file a range of pages, written again where rows are newer, or fewer."""
    with psycopg.connect(url) as connection, _reader(url) as db:
        changed = _changed_since(connection, since) if since else "true"
        known = {path.stem: path for path in folder.glob("*.parquet")}
        for name, where in _ranges(connection):
            path = folder / f"{name}.parquet"
            if known.pop(name, None) and not _is_new(connection, db, where, path, changed):
                continue
            statement = f"select * from {TABLE} where {where}"
            db.execute(
                f"copy (from postgres_query('pg', $${statement}$$)) to '{path}'"
                " (format parquet, compression zstd)"
            )
        for path in known.values():
            path.unlink()


def _changed_since(connection: psycopg.Connection, since: int) -> str:
    """Return the condition of rows that are newer than the transaction ``since``."""
    now = connection.execute("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    return changed_since(since, now.fetchall()[0][0])


def _ranges(connection: psycopg.Connection) -> Iterator[tuple[str, str]]:
    """Yield a name and a condition for every range of pages."""
    row = connection.execute(f"select pg_relation_size('{TABLE}') / 8192".encode()).fetchone()
    pages = int(row[0]) if row else 0
    for first in range(0, pages, RANGE_PAGES):
        end = f"and ctid < '({first + RANGE_PAGES},0)'" if first + RANGE_PAGES < pages else ""
        yield f"{first:010}", f"ctid >= '({first},0)' {end}"


def _is_new(
    connection: psycopg.Connection,
    db: duckdb.DuckDBPyConnection,
    where: str,
    path: Path,
    changed: str,
) -> bool:
    found = connection.execute(
        f"select count(*), coalesce(bool_or({changed}), false) from {TABLE} where {where}".encode()
    ).fetchall()
    count, is_changed = found[0]
    held = db.execute(f"select count(*) from read_parquet('{path}')").fetchall()[0][0]
    return bool(is_changed or count != held)


def refresh_ducklake(url: str, folder: Path, since: int) -> None:
    """The changed rows, deleted and inserted in a transaction of DuckLake's."""
    with psycopg.connect(url) as connection, _reader(url) as db:
        _attach(db, folder)
        if not since:
            whole = f"postgres_query('pg', 'select * from {TABLE}')"
            db.execute(f"create table lake.t as from {whole}")
            return
        changed = _changed_since(connection, since)
        rows = connection.execute(f"select count(*) from {TABLE}".encode()).fetchall()[0][0]
        statement = f"select * from {TABLE} where {changed}"
        db.execute(f"create temp table changed as from postgres_query('pg', $${statement}$$)")
        db.execute("begin")
        if db.execute("select count(*) from changed").fetchall()[0][0]:
            db.execute("delete from lake.t where id in (select id from changed)")
            db.execute("insert into lake.t from changed")
        if db.execute("select count(*) from lake.t").fetchall()[0][0] != rows:
            keys = f"from postgres_query('pg', 'select id from {TABLE}')"
            db.execute(f"delete from lake.t where id not in (select id {keys})")
        db.execute("commit")


def scan_mirror(folder: Path) -> None:
    """Read three columns of today's mirror."""
    with duckdb.connect(folder / "w.duckdb", read_only=True) as db:
        db.execute(SCAN.format(f"raw.{TABLE}")).fetchall()


def scan_ranges(folder: Path) -> None:
    """Read them from Parquet."""
    duckdb.execute(SCAN.format(f"read_parquet('{folder}/*.parquet')")).fetchall()


def scan_ducklake(folder: Path) -> None:
    """Read them from DuckLake."""
    with duckdb.connect() as db:
        _attach(db, folder)
        db.execute(SCAN.format("lake.t")).fetchall()


def _reader(url: str) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.load_extension(str(extension_path()))
    db.execute(f"attach '{url}' as pg (type postgres, read_only)")
    return db


def _attach(db: duckdb.DuckDBPyConnection, folder: Path) -> None:
    spec = find_spec("duckdb_extension_ducklake")
    assert spec is not None and spec.submodule_search_locations is not None
    extensions = Path(spec.submodule_search_locations[0], "extensions", f"v{duckdb.__version__}")
    db.load_extension(str(extensions / "ducklake.duckdb_extension"))
    db.execute(f"attach 'ducklake:{folder}/meta.ducklake' as lake (data_path '{folder}/data')")


def _execute(url: str, statement: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        done = connection.execute(statement.encode())
        return int(done.fetchall()[0][0]) if done.description else 0


def _size(url: str) -> int:
    return _execute(url, f"select pg_table_size('{TABLE}')")


def _say(name: str, cost: Cost) -> None:
    print(f"  {name:<44}{cost.seconds:7.2f} s   {cost.peak / GIGABYTE:5.2f} GB", flush=True)
