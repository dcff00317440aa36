"""Builds on one machine and on engines that scale: time and peak memory at 1, 10, 100 times.

Sail is started here. A Spark of your own is measured besides, if SSELFIE_SPARK_REMOTE names one
that reaches this machine's temporary folder; its memory is its own.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from sselfie_insights.lake.push import push
from sselfie_insights.lake.store import Store
from sselfie_insights.settings import load_settings
from tests.bench.build import GIGABYTE, build_once, copy_with_memberships, in_process
from tests.bench.built import built_warehouse
from tests.bench.source import SHARES

SIZES = (100, 10, 1)
"""What the rows asked for are divided by."""

CHANGED = (0, 1, 100)
"""Shares of the rows that change before a push, in percent."""

SAIL = """
import sys, time
from pysail.spark import SparkConnectServer
server = SparkConnectServer(ip="127.0.0.1", port=0)
server.start(background=True)
print(server.listening_address[1], flush=True)
sys.stdin.read()
"""


def run(rows: int) -> bool:
    """Measure on up to ``rows`` rows; print the figures. There is no target to hold."""
    for divisor in SIZES:
        with tempfile.TemporaryDirectory(prefix="sselfie-bench-") as name:
            _measure(built_warehouse(rows // divisor), Path(name))
    return True


def _measure(source: Path, folder: Path) -> None:
    warehouse = folder / "w.duckdb"
    print(f"scale: {copy_with_memberships(source, warehouse):,} rows", flush=True)
    cost = in_process(build_once, warehouse)
    print(f"  DuckDB {cost.seconds:8.1f} s   {cost.peak / GIGABYTE:6.2f} GB", flush=True)
    lake = folder / "lake"
    with _sail() as (remote, process):
        cost = in_process(build_on, warehouse, lake, remote)
        peak = cost.peak + _peak(process)
        print(f"  Sail   {cost.seconds:8.1f} s   {peak / GIGABYTE:6.2f} GB", flush=True)
    if remote := os.environ.get("SSELFIE_SPARK_REMOTE"):
        cost = in_process(build_on, warehouse, lake, remote)
        print(f"  Spark  {cost.seconds:8.1f} s   its own memory", flush=True)
    _measure_pushes(warehouse, lake)


def _measure_pushes(warehouse: Path, lake: Path) -> None:
    store = Store(str(lake))
    for percent in CHANGED:
        if percent:
            with duckdb.connect(warehouse) as connection:
                for table in SHARES:
                    last = f"(select max(id) from raw.{table})"
                    connection.execute(
                        f"update raw.{table} set created_at = created_at + interval '1 second'"
                        f" where id > {last} * {1 - percent / 100}"
                    )
        started = time.monotonic()
        pushed = push(warehouse, store)
        seconds = time.monotonic() - started
        print(
            f"  push with the last {percent:3} % of rows changed {seconds:6.1f} s,"
            f" {pushed.row_count:,} rows written",
            flush=True,
        )


def build_on(warehouse: Path, lake: Path, remote: str) -> None:
    """Build and test the marts of ``warehouse`` over Spark Connect."""
    from sselfie_insights.build import build_on_spark

    build_on_spark(load_settings(warehouse=warehouse, lake_url=str(lake), spark_remote=remote))


@contextmanager
def _sail() -> Iterator[tuple[str, int]]:
    with subprocess.Popen(
        [sys.executable, "-c", SAIL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"RUST_LOG": "error"},
    ) as process:
        assert process.stdout is not None
        yield f"sc://127.0.0.1:{process.stdout.readline().strip()}", process.pid
        process.kill()


def _peak(process: int) -> int:
    """The most memory that a process ever held, in bytes, as Linux counts it."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
