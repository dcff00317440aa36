"""Locks: nobody waits long, who is in the way is named, and what a lock undid is tried again."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.errors import LockedError, MigrationError, SourceError
from sselfie_insights.migrate import Limits, apply, plan
from sselfie_insights.migrate.observer import Observer
from sselfie_insights.postgres import advisory_lock, connect
from tests.integration.migrate.conftest import Folder
from tests.integration.migrate.databases import (
    GATE,
    ONE_ATTEMPT,
    PATIENT,
    closed_gate,
    history,
    keep,
    rows,
    wait_for_waiter,
)
from tests.support.waiting import wait_for_row, wait_until

READER = "nightly export, role postgres, idle in transaction, transaction open for 00:"


def test_lock_timeout_names_who_blocks(target: str, folder: Folder) -> None:
    path = folder("create table public.one (id integer);", "alter table public.one add x integer;")
    apply(target, folder=path, to=1)
    with psycopg.connect(target, application_name="nightly export") as reader:
        reader.execute("select count(*) from public.one")
        with pytest.raises(MigrationError, match="lock timeout") as caught:
            apply(target, folder=path, limits=ONE_ATTEMPT)
    assert READER in caught.value.message
    assert "select count(*) from public.one" in caught.value.message
    assert caught.value.message.endswith("given up after attempt 1")
    assert history(target) == [(1, "applied", 1)]
    assert len(apply(target, folder=path)) == 1


def test_what_was_not_seen_is_not_claimed(
    target: str, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Observer, "_poll", lambda observer: None)
    path = folder("create table public.one (id integer);", "alter table public.one add x integer;")
    apply(target, folder=path, to=1)
    with psycopg.connect(target, application_name="nightly export") as reader:
        reader.execute("select count(*) from public.one")
        with pytest.raises(MigrationError, match="its blocker was not observed; now") as caught:
            apply(target, folder=path, limits=ONE_ATTEMPT)
    assert "blocked by" not in caught.value.message
    assert READER in caught.value.message
    assert "[AccessShareLock on one]" in caught.value.message


def test_the_observer_tells_who_blocks_now_and_who_did(target: str) -> None:
    with (
        psycopg.connect(target, autocommit=True) as waiter,
        psycopg.connect(target, application_name="nightly export") as blocker,
        Observer(target) as observer,
        ThreadPoolExecutor() as threads,
    ):
        observer.watch(waiter.info.backend_pid)
        waiter.execute("create table public.one (id integer)")
        observer.announce(["one"])
        assert observer.describe_blockers() == "its blocker was not observed"
        blocker.execute("lock table public.one")
        waiting = threads.submit(waiter.execute, "select * from public.one")
        wait_until(lambda: observer.describe_blockers().startswith("blocked by process"))
        assert f"process {blocker.info.backend_pid} (" in observer.describe_blockers()
        assert READER in observer.describe_blockers()
        blocker.rollback()
        waiting.result()
        observer.announce(["one"])
        said = observer.describe_blockers()
        assert said.startswith("its blocker was not observed; seen before: process")


def test_what_is_hidden_from_a_role_is_left_out(target: str) -> None:
    name = f"weak_{conninfo_to_dict(target)['dbname']}"
    with psycopg.connect(target, autocommit=True) as admin:
        admin.execute(f"create role {name} login")
        try:
            with (
                psycopg.connect(target) as blocker,
                Observer(make_conninfo(target, user=name)) as observer,
            ):
                blocker.execute("create table public.one (id integer)")
                blocker.commit()
                blocker.execute("lock table public.one")
                observer.announce(["one"])
                assert observer.describe_blockers() == (
                    "its blocker was not observed; now locks are held by "
                    f"process {blocker.info.backend_pid} (role postgres): "
                    "<insufficient privilege> [AccessExclusiveLock on one]"
                )
        finally:
            admin.execute(f"drop role {name}")


def test_a_prepared_transaction_is_named(target: str, folder: Folder) -> None:
    path = folder("create table public.one (id integer);", "alter table public.one add x integer;")
    apply(target, folder=path, to=1)
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("begin")
        connection.execute("insert into public.one values (1)")
        connection.execute("prepare transaction 'forgotten'")
        try:
            with pytest.raises(MigrationError, match="a prepared transaction"):
                apply(target, folder=path, limits=ONE_ATTEMPT)
        finally:
            connection.execute("rollback prepared 'forgotten'")


def test_a_deadlock_is_told_and_tried_again(target: str, folder: Folder) -> None:
    path = folder(
        "create table public.one (id integer);\ncreate table public.two (id integer);",
        f"alter table public.one add x integer;\n{GATE};\nalter table public.two add x integer;",
    )
    apply(target, folder=path, to=1)
    notes: list[str] = []
    # Only the runner looks for deadlocks, so that it is the one that is rolled back.
    hasty = make_conninfo(target, options="-c deadlock_timeout=10ms")
    patient = make_conninfo(target, options="-c deadlock_timeout=1h")
    with ThreadPoolExecutor() as threads, psycopg.connect(patient) as other:
        with closed_gate(target):
            applied = threads.submit(apply, hasty, folder=path, limits=PATIENT, note=keep(notes))
            wait_for_waiter(target, "advisory")  # it has locked public.one
            other.execute("lock table public.two")
            locked = threads.submit(other.execute, "lock table public.one")
            wait_for_waiter(target, "relation")
        locked.result()
        other.commit()
        assert len(applied.result()) == 1
    assert "deadlock detected; Process" in notes[0]
    assert "blocked by process" in notes[0]
    assert "next attempt in" in notes[0]
    assert notes[1:] == ["applied 0002_make_step2"]
    columns = "select count(*) from information_schema.columns where column_name = 'x'"
    assert rows(target, columns) == [(2,)]


@pytest.mark.parametrize("head", ["", "-- migrate: no-transaction\n"])
def test_a_serialisation_failure_is_told_and_tried_again(
    target: str, folder: Folder, head: str
) -> None:
    path = folder(
        "create table public.one (id integer, n integer);\ninsert into public.one values (1, 0);",
        f"{head}update public.one set n = n + 1 where id = 1;",
    )
    apply(target, folder=path, to=1)
    notes: list[str] = []
    strict = make_conninfo(target, options="-c default_transaction_isolation=serializable")
    with ThreadPoolExecutor() as threads, psycopg.connect(target) as other:
        other.execute("update public.one set n = n + 10 where id = 1")
        applied = threads.submit(apply, strict, folder=path, limits=PATIENT, note=keep(notes))
        wait_for_waiter(target, "transactionid")
        other.commit()
        assert len(applied.result()) == 1
    assert "could not serialize access due to concurrent update" in notes[0]
    assert "blocked by" not in notes[0]
    assert notes[1:] == ["applied 0002_make_step2"]
    assert rows(target, "select n from public.one") == [(11,)]


@pytest.mark.parametrize("head", ["", "-- migrate: no-transaction\n"])
def test_a_lock_on_the_history_is_told_and_tried_again(
    target: str, folder: Folder, head: str
) -> None:
    path = folder("create table public.one (id integer);", f"{head}create table public.two ();")
    apply(target, folder=path, to=1)
    notes: list[str] = []
    with ThreadPoolExecutor() as threads:
        with psycopg.connect(target, application_name="nightly export") as other:
            other.execute("lock table sselfie_migrations.catalog in share mode")
            applied = threads.submit(apply, target, folder=path, note=keep(notes))
            wait_until(lambda: notes or applied.done())
        assert len(applied.result()) == 1
    assert "lock timeout; " in notes[0]
    assert READER in notes[0]
    assert [record[1] for record in history(target)] == ["applied", "applied"]


@pytest.mark.parametrize(("lock_timeout_ms", "left"), [(60_000, range(1, 59_901)), (50, [1])])
def test_who_locks_others_out_waits_for_the_timeout_in_all(
    target: str, folder: Folder, lock_timeout_ms: int, left: range | list[int]
) -> None:
    seen = "select setting::integer from pg_settings where name = 'lock_timeout'"
    path = folder(
        "create table public.one (id integer);",
        f"""
        create table public.mine (id integer);
        select pg_sleep(0.1);
        create table public.before as {seen};
        alter table public.one add x integer;
        select pg_sleep(0.1);
        create table public.after as {seen};
        """,
    )
    apply(target, folder=path, limits=Limits(lock_timeout_ms=lock_timeout_ms))
    ((before,),) = rows(target, "select * from public.before")
    assert before == lock_timeout_ms, "nobody waits for a table that nobody else can see"
    ((after,),) = rows(target, "select * from public.after")
    assert after in left


def measure_waits(
    url: str, folder: Folder, attempts: int, queue_ms: int
) -> tuple[float, list[str]]:
    """Hold a reader's lock while `apply` runs under load.

    Returns the longest wait of a query, and the errors of the queries that failed.

    The lock is held until ``attempts`` attempts have failed. A query that queues for a lock longer
    than ``queue_ms``, by the server's own clock, fails.
    """
    path = folder(
        "create table public.busy (id integer primary key, n integer);\n"
        "insert into public.busy select i, 0 from generate_series(1, 1000) as i;",
        "alter table public.busy add column x integer;",
    )
    apply(url, folder=path, to=1)
    stop = threading.Event()
    notes: list[str] = []
    waits: list[float] = []

    def load(number: int) -> None:
        options = f"-c lock_timeout={queue_ms}ms"
        with psycopg.connect(url, autocommit=True, options=options) as connection:
            while not stop.is_set():
                begun = time.monotonic()
                connection.execute("update public.busy set n = n + 1 where id = %s", [number])
                connection.execute("select sum(n) from public.busy")
                waits.append(time.monotonic() - begun)
                time.sleep(0.01)

    with ThreadPoolExecutor() as threads:
        try:
            with psycopg.connect(url) as reader:
                reader.execute("select count(*) from public.busy")
                workers = [threads.submit(load, number) for number in range(1, 5)]
                applied = threads.submit(
                    apply, url, folder=path, limits=Limits(deadline_s=600), note=keep(notes)
                )
                wait_until(lambda: len(notes) >= attempts or applied.done())
                assert not applied.done(), "the reader still holds its lock"
                wait_until(lambda: len(waits) > 100 or any(worker.done() for worker in workers))
            assert len(applied.result()) == 1
        finally:
            stop.set()
        errors = [str(error) for worker in workers if (error := worker.exception())]
    return max(waits), errors


def test_nobody_waits_longer_than_the_lock_timeout(target: str, folder: Folder) -> None:
    # The lock timeout is 200 ms; the rest is what a very busy machine may add.
    longest, errors = measure_waits(target, folder, attempts=3, queue_ms=20_000)
    print(f"longest wait {longest:.3f} s")
    assert errors == []


def test_statement_timeout(database: str, folder: Folder) -> None:
    with pytest.raises(MigrationError, match="statement timeout"):
        apply(
            database, folder=folder("select pg_sleep(600);"), limits=Limits(statement_timeout_s=0.1)
        )


def test_looking_does_not_wait_for_a_lock(database: str, folder: Folder) -> None:
    path = folder("create table public.one (id integer);", "select 1;")
    apply(database, folder=path, to=1)
    with psycopg.connect(database) as holder:
        holder.execute("lock table sselfie_migrations.history")
        with pytest.raises(SourceError, match="lock timeout"):
            plan(database, folder=path)


def test_two_runners(target: str, folder: Folder) -> None:
    path = folder(f"{GATE};\ncreate table public.one (id integer);")
    with ThreadPoolExecutor() as threads:
        with closed_gate(target):
            first = threads.submit(apply, target, folder=path, limits=PATIENT)
            wait_for_waiter(target, "advisory")
            with pytest.raises(LockedError, match=r"process \d+ \(sselfie migrate, role postgres"):
                apply(target, folder=path, limits=Limits(wait_s=0))
            second = threads.submit(apply, target, folder=path, limits=PATIENT)
            wait_for_row(
                target,
                "select from pg_stat_activity where query like '%pg_try_advisory_lock%'"
                " and pid <> pg_backend_pid() and application_name = 'sselfie migrate'",
            )
        assert (len(first.result()), len(second.result())) == (1, 0)


def test_a_sync_and_a_migration_exclude_each_other(database: str, folder: Folder) -> None:
    path = folder("create table public.one (id integer);")
    with (
        connect(database, autocommit=True) as sync,
        connect(database, autocommit=True) as other_sync,
        advisory_lock(sync, shared=True),
        advisory_lock(other_sync, shared=True),
        pytest.raises(LockedError),
    ):
        apply(database, folder=path, limits=Limits(wait_s=0))
    assert len(apply(database, folder=path, limits=Limits(wait_s=0))) == 1
