"""The application waits for one table's read at most, and readers never wait."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from sselfie_insights.sync.failures import explain_failure
from sselfie_insights.sync.source import Source
from tests.integration.sync.conftest import Bench
from tests.integration.sync.faults import COPYING, before_table, change, fill, halted_copy, rounds
from tests.support.waiting import wait_until


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
        with halted_copy(bench, "bb") as settings:
            synced = threads.submit(bench.sync, settings=settings)
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


def test_a_migration_that_was_undone_when_duckdb_looks_disturbs_only_one_attempt(
    newest: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot alone has the other name, and so DuckDB: its words are not the server's."""
    fill(newest, 1000)
    real, words = Source.snapshot, list[str]()

    @contextmanager
    def snapshot(*arguments: Any) -> Iterator[Any]:
        is_first = not words
        if is_first:
            newest.pg("alter table b rename column v to w")
        with real(*arguments) as taken:
            if is_first:
                newest.pg("alter table b rename column w to v")
            yield taken

    def explain(error: Exception, *arguments: Any) -> BaseException:
        words.append(str(error))
        return explain_failure(error, *arguments)

    monkeypatch.setattr(Source, "snapshot", snapshot)
    monkeypatch.setattr("sselfie_insights.sync.engine.explain_failure", explain)
    report = newest.sync()
    assert report.attempts == 2
    assert [word.partition(":")[0] for word in words] == ["Binder Error"]
    assert not newest.sync(verify=True).different


def test_the_file_is_readable_all_the_time(newest: Bench) -> None:
    fill(newest, 1000)
    newest.sync()
    stop = threading.Event()

    def read() -> int:
        count = 0
        while not stop.is_set():
            assert len(rounds(newest)) == 1
            count += 1
        return count

    with ThreadPoolExecutor() as threads:
        reads = threads.submit(read)
        try:
            for number in range(1, 4):
                change(newest, number)
                newest.sync()
        finally:
            stop.set()
    assert reads.result()
