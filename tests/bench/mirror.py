"""The mirror against the bare extension: what exactness and increments cost, and save."""

import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import psycopg

from tests.bench.others import time_adbc, time_dlt
from tests.bench.source import SHARES, create_source, database_bytes
from tests.integration.sync.servers import new_database, run_server

GIGABYTE = 1e9
MEMORY_TARGET = 1.5 * GIGABYTE
REPETITIONS = 2
"""The better of so many measurements counts: others disturb a machine, nobody speeds it up."""


class Cost(NamedTuple):
    """What a measurement took: seconds, seconds of this side's processors, peak bytes."""

    seconds: float
    processor: float
    peak: int


def run(rows: int) -> bool:
    """Measure on ``rows`` rows; print the figures; return whether every target holds."""
    options = {
        "shared_buffers": "512MB",
        "max_wal_size": "8GB",
        "log_statement": "none",
        "autovacuum": "off",
    }
    with run_server(18, **options) as server:
        assert server is not None
        with new_database(server, "bench") as url:
            folder = Path(tempfile.mkdtemp(prefix="sselfie-bench-"))
            try:
                return _measure(url, folder, rows)
            finally:
                shutil.rmtree(folder)


def _measure(url: str, folder: Path, rows: int) -> bool:
    counts = create_source(url, rows)
    size = database_bytes(url) / GIGABYTE
    print(f"mirror: {sum(counts.values()):,} rows in {len(counts)} tables, {size:.2f} GB")
    warehouse = folder / "w.duckdb"
    bare, full = [], []
    for _ in range(REPETITIONS):
        bare.append(_in_process(copy_bare, url, folder / "bare.duckdb", list(counts)))
        (folder / "bare.duckdb").unlink()
        warehouse.unlink(missing_ok=True)
        full.append(_in_process(sync_once, url, warehouse, "full"))
    base, whole = min(bare), min(full)
    _say("bare extension", base, whole.seconds)
    held = [_say("full sync", whole, whole.seconds, base.seconds, 1.15)]
    held.append(_say("nothing changed", _in_process(sync_once, url, warehouse, "unchanged"),
                     whole.seconds, whole.seconds, 0.20))  # fmt: skip
    changed = []
    for residue in range(REPETITIONS):
        for table in SHARES:
            _execute(url, f"update {table} set created_at = created_at where id % 100 = {residue}")
        _execute(url, "checkpoint")
        changed.append(_in_process(sync_once, url, warehouse, "incremental"))
    held.append(_say("1 % of rows changed", min(changed), whole.seconds, whole.seconds, 0.30))
    for table in SHARES:
        _execute(
            url,
            f"set session_replication_role = replica; delete from {table} where id % 100 = 8",
        )
    _execute(url, "checkpoint")
    held.append(_say("1 % of rows deleted", _in_process(sync_once, url, warehouse, "incremental"),
                     whole.seconds, whole.seconds, 1.0))  # fmt: skip
    _execute(url, "update feed_posts set created_at = created_at")
    _say("every row of one table changed", _in_process(sync_once, url, warehouse, "incremental"),
         whole.seconds)  # fmt: skip
    verified = _in_process(sync_once, url, warehouse, "verify")
    _say("verify, every table", verified, whole.seconds)
    print(f"  peak memory of a full sync {whole.peak / GIGABYTE:.2f} GB, target 1.50")
    held.append(whole.peak <= MEMORY_TARGET)
    _compare(url, folder, list(counts), whole.seconds)
    return all(held)


def _compare(url: str, folder: Path, tables: list[str], whole: float) -> None:
    others: dict[str, Callable[[], float | None]] = {
        "ADBC": lambda: time_adbc(url, folder, tables),
        "dlt, pyarrow": lambda: time_dlt(url, folder, tables, "pyarrow"),
        "dlt, sqlalchemy": lambda: time_dlt(url, folder, tables, "sqlalchemy"),
    }
    for name, measure in others.items():
        seconds = measure()
        printed = (
            "not installed" if seconds is None else f"{seconds:7.1f} s   {seconds / whole:.2f}"
        )
        print(f"  {name:<32}{printed}")


def copy_bare(url: str, target: Path, tables: list[str]) -> None:
    """Copy ``tables`` with the extension and nothing else, in one transaction."""
    from sselfie_insights.sync.extension import extension_path

    with duckdb.connect(target) as db:
        db.execute("set enable_progress_bar = false")
        db.load_extension(str(extension_path()))
        db.execute(f"attach '{url}' as pg (type postgres, read_only)")
        db.begin()
        for table in tables:
            db.execute(f'create table "{table}" as from pg.public."{table}"')
        db.commit()


def sync_once(url: str, warehouse: Path, mode: str) -> None:
    """Sync, and insist on the mode."""
    from sselfie_insights.settings import Settings
    from sselfie_insights.sync import sync

    settings = Settings(database_url=url, warehouse=warehouse)
    report = sync(settings, verify=mode == "verify")
    assert not report.different, report.different
    assert mode == "verify" or report.mode == mode, report.mode
    if mode == "incremental":
        assert all(t.mode != "full" for t in report.tables), "the incremental path was not taken"


def _in_process(work: Callable[..., None], *arguments: Any) -> Cost:
    """What ``work`` costs in a fresh process; the seconds leave out its imports."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_time, (work, *arguments))


def _time(work: Callable[..., None], *arguments: Any) -> Cost:
    import sselfie_insights.sync

    assert sselfie_insights.sync
    started = time.monotonic()
    work(*arguments)
    seconds = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def _say(
    name: str,
    measured: Cost,
    whole: float,
    base: float | None = None,
    target: float | None = None,
) -> bool:
    seconds, processor, peak = measured
    line = (
        f"  {name:<32}{seconds:7.1f} s ({processor:5.1f} s CPU)   {seconds / whole:.2f} of a full"
    )
    line += f" sync   {peak / GIGABYTE:.2f} GB"
    if base is not None and target is not None:
        line += f"   ratio {seconds / base:.2f}, target {target:.2f}"
    print(line, flush=True)
    return base is None or target is None or seconds <= base * target


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
