"""Whatever happens to a sync, readers keep a consistent file, the next sync heals, and the
application waits for one table's read at most."""

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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sselfie_insights.errors import ExitCode, LockedError, SourceError, UsageError
from sselfie_insights.run.journal import read_journal
from sselfie_insights.run.publish import warehouse_lock
from sselfie_insights.sync.columns import Mirror
from sselfie_insights.sync.failures import explain_failure
from sselfie_insights.sync.load import Loaded, Loader
from sselfie_insights.sync.source import Source
from tests.integration.sync.conftest import Bench
from tests.integration.sync.servers import Server
from tests.waiting import PATIENCE_SECONDS, wait_until

ROWS = 20_000
KILLS = int(os.environ.get("MIRROR_KILLS", "2"))


def fill(bench: Bench, rows: int = ROWS) -> None:
    """Two tables that every transaction keeps alike, and a third; nothing else locks them."""
    bench.pg(
        *(
            f"create table {name} with (autovacuum_enabled = false)"
            " as select i as id, md5(i::text) as v, 0 as round"
            f" from generate_series(1, {rows}) i"
            for name in ("a", "b", "c")
        ),
        "alter table a add primary key (id)",
        "alter table b add primary key (id)",
    )


def change(bench: Bench, number: int) -> None:
    bench.pg(f"begin; update a set round = {number}; update b set round = {number}; commit")


def rounds(bench: Bench) -> set[int]:
    """The rounds that the published file shows; more than one would be half a sync."""
    return {row[0] for row in bench.ask("select round from raw.a union select round from raw.b")}


def assert_released(bench: Bench) -> None:
    """Nothing of a sync is left on the server, or beside the warehouse."""
    query = (
        "select pid, state, query from pg_stat_activity"
        " where application_name = 'sselfie sync' and datname = current_database()"
    )
    wait_until(lambda: not bench.ask_pg(query))


@contextmanager
def before_table(
    monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], None]
) -> Iterator[None]:
    """Act once, between the reads of two tables."""
    real, done = Loader.reload, threading.Event()

    def reload(self: Loader, mirror: Mirror) -> Loaded:
        if mirror.name == name and not done.is_set():
            done.set()
            act()
        return real(self, mirror)

    with monkeypatch.context() as patch:
        patch.setattr(Loader, "reload", reload)
        yield
    assert done.is_set()


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


COPYING = (
    "from pg_stat_activity where query like 'COPY%' and wait_event_type = 'Lock'"
    " and datname = current_database()"
)


@contextmanager
def halted_copy(bench: Bench, name: str) -> Iterator[str]:
    """Yield the URL of a source from which no sync can copy the whole of a table.

    Its last value lies outside the table, behind an index that is locked while the block runs.
    """
    bench.pg(
        f"create table {name} (id int, v text)",
        f"alter table {name} alter v set storage external",
        f"insert into {name} select i, repeat('v', case i when 60000 then 9000 else 600 end)"
        " from generate_series(1, 60000) i",
    )
    (index,) = bench.ask_pg(
        "select indexrelid::regclass from pg_index join pg_class on reltoastrelid = indrelid"
        f" where pg_class.oid = '{name}'::regclass"
    )[0]
    with psycopg.connect(bench.url) as holder:
        holder.execute(f"reindex index {index}".encode())
        yield make_conninfo(bench.url, options="-c lock_timeout=0")


def test_a_connection_lost_in_the_middle_of_a_copy(newest: Bench) -> None:
    with (
        halted_copy(newest, "t") as url,
        ThreadPoolExecutor() as threads,
    ):
        synced = threads.submit(newest.sync, settings={"database_url": url})
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
        with pytest.raises(UsageError, match="cannot be written") as full:
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
        with pytest.raises(UsageError, match="cannot be written") as full:
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


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_killed_at_random_moments(newest: Bench, kind: signal.Signals) -> None:
    fill(newest)
    newest.sync()
    environment = os.environ | {
        "SSELFIE_DATABASE_URL": newest.url,
        "SSELFIE_WAREHOUSE": str(newest.warehouse),
    }
    command = [sys.executable, "-m", "sselfie_insights", "sync", "--full"]
    seed = time.time_ns() % 1_000_000
    print(f"seed {seed}")
    pick = random.Random(seed)
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


@pytest.mark.parametrize(
    "statement", ["alter table a add column extra int default 7", "truncate a"]
)
def test_a_migration_between_two_reads_does_not_wait_and_the_sync_starts_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    fill(bench)

    def migrate() -> None:
        bench.pg(f"begin; lock table a, b, c nowait; {statement}; commit")

    with before_table(monkeypatch, "b", migrate):  # a has been read, b and c have not
        report = bench.sync()
    assert report.attempts == 2
    if statement.startswith("alter"):
        assert bench.ask("select distinct extra from raw.a") == [(7,)]
    else:
        assert bench.ask("select count(*) from raw.a") == [(0,)]


def test_a_migration_waits_for_the_table_that_is_read_and_for_no_other(bench: Bench) -> None:
    fill(bench, 1000)
    with ThreadPoolExecutor() as threads:
        with halted_copy(bench, "bb") as url:
            synced = threads.submit(bench.sync, settings={"database_url": url})
            wait_until(lambda: bench.ask_pg(f"select {COPYING}"))
            bench.pg("begin; lock table a, b, c nowait; rollback")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                bench.pg("begin; lock table bb nowait")
        assert synced.result().published
    assert not bench.sync(verify=True).different


def test_a_migration_that_holds_its_lock_is_waited_for(
    newest: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(newest, 1000)
    newest.sync()
    with psycopg.connect(newest.url) as migration, monkeypatch.context() as patch:
        migration.execute("alter table b add column extra int default 1")
        commit = threading.Timer(0.5, migration.commit)
        real = Source.wait_for_migrations

        def wait(self: Source) -> None:
            assert self.locked_tables() == ["public.b"]
            commit.start()
            real(self)
            assert self.locked_tables() == []

        patch.setattr(Source, "wait_for_migrations", wait)
        report = newest.sync()
        commit.join()
    assert report.attempts == 2
    assert newest.ask("select distinct extra from raw.b") == [(1,)]


def test_a_migration_that_is_undone_at_once_disturbs_only_one_attempt(
    newest: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(newest, 1000)

    def undo(*arguments: Any) -> BaseException:
        """Undo it before anybody looks why a read failed."""
        newest.pg("alter table b rename column w to v")
        return explain_failure(*arguments)

    monkeypatch.setattr("sselfie_insights.sync.engine.explain_failure", undo)
    with before_table(monkeypatch, "b", lambda: newest.pg("alter table b rename column v to w")):
        report = newest.sync()
    assert report.attempts == 2
    assert not newest.sync(verify=True).different


def test_the_file_is_readable_all_the_time(newest: Bench) -> None:
    fill(newest, 1000)
    newest.sync()
    stop, errors = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                assert len(rounds(newest)) == 1
            except (duckdb.Error, AssertionError) as error:
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 4):
        change(newest, number)
        newest.sync()
    stop.set()
    reader.join()
    assert not errors
