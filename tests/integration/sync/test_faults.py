"""Whatever happens to a sync, readers keep a consistent file, and the next sync heals."""

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sselfie_insights.errors import ExitCode, LockedError, SourceError, StorageError
from sselfie_insights.sync.source import Source
from sselfie_insights.warehouse.journal import read_journal
from sselfie_insights.warehouse.lock import warehouse_lock
from tests.integration.sync.conftest import Bench
from tests.integration.sync.faults import (
    COPYING,
    ROWS,
    assert_released,
    before_table,
    change,
    fill,
    halted_copy,
    rounds,
)
from tests.integration.sync.servers import Server
from tests.support.waiting import PATIENCE_SECONDS, wait_until

KILLS = int(os.environ.get("MIRROR_KILLS", "2"))


def test_a_lost_connection_leaves_the_publication_and_the_next_run_heals(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bench)
    bench.sync()
    change(bench, 1)

    def cut() -> None:
        bench.pg(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'sselfie sync' and datname = current_database()"
        )

    with (
        before_table(monkeypatch, "b", cut),
        pytest.raises(SourceError, match="the connection was lost"),
    ):
        bench.sync(full=True)
    assert rounds(bench) == {0}
    assert not (bench.warehouse.parent / f".{bench.warehouse.name}.private").exists()
    assert_released(bench)
    assert read_journal(bench.warehouse)[-1]["exit_code"] == ExitCode.SOURCE
    assert not bench.sync(verify=True).different
    assert rounds(bench) == {1}


def test_a_connection_lost_in_the_middle_of_a_copy(newest: Bench) -> None:
    with (
        halted_copy(newest, "t") as settings,
        ThreadPoolExecutor() as threads,
    ):
        synced = threads.submit(newest.sync, settings=settings)
        wait_until(lambda: newest.ask_pg(f"select pg_terminate_backend(pid) {COPYING}"))
        with pytest.raises(SourceError):
            synced.result()
    assert not newest.warehouse.exists()
    assert not newest.sync(verify=True).different


def test_a_server_restart_leaves_the_publication_and_the_next_run_heals(
    bench: Bench, any_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bench)
    bench.sync()
    change(bench, 1)

    def restart() -> None:
        any_server.stop("immediate")
        any_server.start()

    with before_table(monkeypatch, "b", restart), pytest.raises(SourceError):
        bench.sync(full=True)
    assert rounds(bench) == {0}
    assert not bench.sync(verify=True).different
    assert rounds(bench) == {1}


def test_a_statement_timeout_is_told(newest: Bench) -> None:
    # A table that no machine copies in 20 ms.
    newest.pg("create table z as select md5(n::text) as v from generate_series(1, 1000000) as n")
    url = make_conninfo(newest.url, options="-c statement_timeout=20ms")
    with pytest.raises(SourceError, match="statement timeout"):
        newest.sync(settings={"database_url": url}, full=True)
    assert not newest.warehouse.exists()


def test_a_role_with_a_statement_timeout_can_be_synced(newest: Bench) -> None:
    fill(newest)
    newest.pg("do $$ begin create role hasty superuser login; exception when duplicate_object"
              " then end $$", "alter role hasty set statement_timeout = '20ms'")  # fmt: skip
    url = make_conninfo(newest.url, user="hasty")
    assert newest.sync(settings={"database_url": url}).row_count == 3 * ROWS


def test_a_full_disk_is_told_and_nothing_is_published(newest: Bench) -> None:
    fill(newest)
    newest.pg("create table z as select md5(random()::text) as v from generate_series(1, 200000)")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, hard))
    try:
        with pytest.raises(StorageError, match="cannot be written") as full:
            newest.sync()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert full.value.remedy == "free some space"
    assert not newest.warehouse.exists()
    assert newest.sync().row_count == 3 * ROWS + 200_000


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Give a volume of its own so many bytes, and return where it is."""
    folder = tmp_path / "volume"
    folder.mkdir()

    def resize(size: int) -> Path:
        again = "remount," if folder.is_mount() else ""
        words = ["mount", "-t", "tmpfs", "-o", f"{again}size={size}", "tmpfs", str(folder)]
        if subprocess.run(words, capture_output=True).returncode:
            pytest.skip("this machine lets nobody mount a volume")
        return folder

    yield resize
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


PLENTY = 100_000_000


def test_a_full_volume_leaves_the_publication_and_no_copies(
    newest: Bench, volume: Callable[[int], Path]
) -> None:
    newest.pg(
        "create table t as select i as id, md5(i::text) as v from generate_series(1, 100000) i",
        "alter table t add primary key (id)",
    )
    bench = Bench(newest.url, volume(PLENTY))
    bench.sync()
    size = bench.warehouse.stat().st_size
    bench.warehouse.unlink()

    def fill_up(capacity: float) -> None:
        volume(int(capacity))
        with pytest.raises(StorageError, match="cannot be written") as full:
            bench.sync(full=True)
        assert full.value.remedy.startswith("free some space")
        assert set(bench.warehouse.parent.iterdir()) == left

    left = set(bench.warehouse.parent.iterdir())
    for share in (0.01, 0.3, 0.6, 0.9):  # at the start, while it writes, when it folds the log in
        fill_up(share * size)
    assert not bench.warehouse.exists()
    volume(PLENTY)
    bench.sync()
    published = bench.warehouse.read_bytes()
    newest.pg("update t set v = md5(v)")
    left = set(bench.warehouse.parent.iterdir())
    for share in (1.3, 2.5):  # for a copy of the published file, and for what is written into it
        fill_up(share * size)
        assert bench.warehouse.read_bytes() == published
    volume(PLENTY)
    assert not bench.sync(verify=True).different


def test_a_second_sync_is_turned_away(newest: Bench) -> None:
    fill(newest, 10)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with warehouse_lock(newest.warehouse):
            entered.set()
            leave.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait()
    try:
        with pytest.raises(LockedError):
            newest.sync()
    finally:
        leave.set()
        holder.join()
    assert newest.sync().published


def test_an_interrupt_that_psycopg_makes_a_lost_connection_of_is_one(
    newest: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does when the signal comes between the sending of a query and the wait for its rows."""
    fill(newest, 10)

    def lose(source: Source) -> str:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise psycopg.OperationalError("sending query failed: another command is in progress")

    monkeypatch.setattr(Source, "read_identity", lose)
    with pytest.raises(KeyboardInterrupt):
        newest.sync()
    assert read_journal(newest.warehouse)[-1]["exit_code"] == ExitCode.INTERRUPTED


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_killed_at_random_moments(newest: Bench, kind: signal.Signals) -> None:
    fill(newest)
    newest.sync()
    environment = os.environ | {
        "SSELFIE_DATABASE_URL": newest.url,
        "SSELFIE_WAREHOUSE": str(newest.warehouse),
    }
    command = [sys.executable, "-m", "sselfie_insights", "sync", "--full"]
    pick = random.Random(kind)
    reading = "select from pg_stat_activity where application_name = 'sselfie sync'"
    work = 0.0
    number = interrupted = 0
    while interrupted < KILLS:
        number += 1
        change(newest, number)
        allowed = rounds(newest) | {number}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as run:
            wait_until(lambda run=run: newest.ask_pg(reading) or run.poll() is not None)
            started = time.monotonic()
            if work:  # the first run tells how long one works
                time.sleep(pick.uniform(0, 1) * work)
                run.send_signal(kind)
            _, error = run.communicate(timeout=PATIENCE_SECONDS)
        killed = (ExitCode.INTERRUPTED, -signal.SIGINT) if kind == signal.SIGINT else (-kind,)
        assert run.returncode in ((0, *killed) if work else (0,)), error
        if run.returncode == 0:
            # One that was done before the signal came was quicker than the one before.
            work = min(work or PATIENCE_SECONDS, time.monotonic() - started)
        interrupted += run.returncode != 0
        assert len(rounds(newest)) == 1
        assert rounds(newest) <= allowed
        assert_released(newest)
    assert not newest.sync(verify=True).different
    assert rounds(newest) == {number}
    assert not (newest.warehouse.parent / f".{newest.warehouse.name}.private").exists()
