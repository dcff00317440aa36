"""The scheduled run: its cost over its steps by hand, and what checking and publishing take."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from sselfie_insights.warehouse.journal import Entry, read_journal
from tests.bench.source import SHARES, create_source
from tests.integration.sync.servers import new_database, run_server

RUN_TARGET = 1.05
CHECKS_TARGET = 0.10
PUBLISH_TARGET = 0.05

BY_HAND = (
    ("sync",),
    ("check", "--suite", "mirror"),
    ("build",),
    ("report", "site"),
    ("export",),
)
CHECKS = "mirror: {'*': warn}\nmarts: {'*': warn}\n"
"""The source is filled from the contract alone; what its checks find is not measured here."""

CHECK_MIRROR = """
import time
import great_expectations.expectations
from sselfie_insights.check import check_mirror
from sselfie_insights.settings import load_settings
settings, started = load_settings(), time.monotonic()
check_mirror(settings.warehouse, settings)
print(time.monotonic() - started)
"""


def run(rows: int) -> bool:
    """Measure on ``rows`` rows; print the figures; say whether every target holds."""
    with (
        tempfile.TemporaryDirectory(prefix="sselfie-bench-") as folder,
        run_server(18, max_wal_size="8GB", log_statement="none", autovacuum="off") as server,
    ):
        assert server is not None
        with new_database(server, "bench") as url:
            counts = create_source(url, rows)
            print(f"nightly: {sum(counts.values()):,} rows")
            return _measure(url, Path(folder))


def _measure(url: str, folder: Path) -> bool:
    (folder / "checks.yml").write_text(CHECKS)
    seconds = [_time(url, folder / "hand", *words) for words in BY_HAND]
    for words, took in zip(BY_HAND, seconds, strict=True):
        print(f"  sselfie {' '.join(words):<24}{took:7.1f} s")
    by_hand = sum(seconds)
    shutil.rmtree(folder / "hand")
    whole = _time(url, folder / "run", "run", "--quiet")
    first = _last(folder / "run")
    held = [_say("the whole run", whole, by_hand, RUN_TARGET, "of its steps by hand")]
    checking = _time_checks(folder) + first["test_seconds"]
    held.append(_say("checks, the import aside", checking, whole, CHECKS_TARGET, "of the run"))
    with psycopg.connect(url, autocommit=True) as connection:
        for table in SHARES:
            connection.execute(
                f"update {table} set created_at = created_at where id % 100 = 1".encode()
            )
    again = _time(url, folder / "run", "run", "--quiet")
    second = _last(folder / "run")
    moving = _seconds(second, "copy") + _seconds(second, "publish")
    size = (folder / "run" / "w.duckdb").stat().st_size / 1e9
    print(f"  again, 1 % of rows changed      {again:7.1f} s, a file of {size:.2f} GB")
    held.append(_say("copy and publish", moving, again, PUBLISH_TARGET, "of the run"))
    return all(held)


def _time(url: str, folder: Path, *words: str) -> float:
    """Return the seconds of ``sselfie`` with these words, on the warehouse in ``folder``."""
    folder.mkdir(exist_ok=True)
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "sselfie_insights", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        env=_environment(folder) | {"SSELFIE_DATABASE_URL": url},
    )
    return time.monotonic() - started


def _time_checks(folder: Path) -> float:
    """Return the seconds of the checks of the mirror, once Great Expectations is imported."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK_MIRROR],
        check=True,
        stdout=subprocess.PIPE,
        env=_environment(folder / "run"),
    )
    return float(done.stdout)


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "SSELFIE_WAREHOUSE": str(folder / "w.duckdb"),
        "SSELFIE_OUTPUT_DIR": str(folder / "out"),
        "SSELFIE_CHECKS": str(folder.parent / "checks.yml"),
    }


def _last(folder: Path) -> Entry:
    return read_journal(folder / "w.duckdb")[-1]


def _seconds(entry: Entry, step: str) -> float:
    return float(sum(each["seconds"] for each in entry["steps"] if each["name"] == step))


def _say(name: str, seconds: float, base: float, target: float, of: str) -> bool:
    share = seconds / base
    print(f"  {name:<32}{seconds:7.1f} s   {share:.3f} {of}, target {target:.2f}", flush=True)
    return share <= target
