"""A standby is mirrored as exactly as its primary, which may be ahead of it."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.errors import SourceError
from sselfie_insights.sync import source
from tests.integration.sync.conftest import Bench
from tests.integration.sync.faults import before_table, fill
from tests.integration.sync.servers import Server
from tests.support.waiting import reload_configuration, wait_until

NEWEST = pytest.mark.parametrize("any_server", [18], indirect=True, ids=["pg18"])


class Standby(Bench):
    """A source that follows another one."""

    def __init__(self, url: str, folder: Path, server: Server) -> None:
        super().__init__(url, folder)
        self.server = server


@pytest.fixture
def standby(bench: Bench, any_server: Server) -> Iterator[Standby]:
    """A server that follows ``bench``; what is done to it lands in the same warehouse."""
    server = any_server.create_standby()
    server.start()
    name = conninfo_to_dict(bench.url)["dbname"]
    try:
        yield Standby(make_conninfo(server.url, dbname=name), bench.warehouse.parent, server)
    finally:
        server.stop()
        shutil.rmtree(server.data)


def write_mark(bench: Bench) -> str:
    """Return the place of a mark in the log that standbys are sent, behind all that was done."""
    return str(bench.ask_pg("select pg_logical_emit_message(true, 'test', 'mark')")[0][0])


def catch_up(bench: Bench, standby: Bench) -> None:
    """Wait until the standby shows all that its primary shows now."""
    place = write_mark(bench)
    wait_until(lambda: standby.ask_pg(f"select where pg_last_wal_replay_lsn() >= '{place}'"))


def last_replayed(standby: Bench) -> datetime:
    """Return the instant of the last transaction of the primary that the standby shows."""
    ((at,),) = standby.ask_pg("select pg_last_xact_replay_timestamp()")
    assert isinstance(at, datetime)
    return at.astimezone(UTC)


@contextmanager
def followed_at_once(bench: Bench) -> Iterator[None]:
    """Let a transaction end only when the standby shows it, while the block runs."""
    name = conninfo_to_dict(bench.url)["dbname"]
    bench.pg("alter system set synchronous_standby_names = '*'",
             f'alter database "{name}" set synchronous_commit = remote_apply')  # fmt: skip
    reload_configuration(bench.url)
    try:
        yield
    finally:
        bench.pg("alter system reset synchronous_standby_names",
                 f'alter database "{name}" reset synchronous_commit')  # fmt: skip
        reload_configuration(bench.url)


@NEWEST
def test_one_connection_reads_a_standby(bench: Bench, standby: Bench, any_server: Server) -> None:
    # Beyond 1,000 pages the extension reads a table through several connections, and lets none of
    # those of a standby join a snapshot.
    bench.pg("create table t with (fillfactor = 10) as select generate_series(1, 30000) as id",
             "analyze t")  # fmt: skip
    assert bench.ask_pg("select relpages > 1000 from pg_class where relname = 't'") == [(True,)]
    catch_up(bench, standby)
    log = any_server.log.with_name("log5433")
    standby.sync()
    assert b"COPY (SELECT" in log.read_bytes()
    assert b"WHERE ctid BETWEEN" not in log.read_bytes()
    bench.sync(full=True)
    assert b"WHERE ctid BETWEEN" in any_server.log.read_bytes()


def test_primary_and_standby_take_turns(bench: Bench, standby: Bench) -> None:
    with followed_at_once(bench):
        fill(bench)
        bench.pg("create unlogged table fleeting (id int)", "insert into fleeting values (1)")
        report = standby.sync(verify=True)
        assert {(t.name, t.verification) for t in report.tables} == {(n, "equal") for n in "abc"}
        kept_out = "select kind, detail from meta.contract_drift where table_name = 'fleeting'"
        assert bench.ask(kept_out) == [
            ("not mirrored", "an unlogged table: a standby has none of its rows")
        ]

        with psycopg.connect(bench.url) as late:
            late.execute("update a set v = 'late' where id = 7")
            bench.pg("update a set v = 'early' where id = 8", "delete from b where id <= 10")
            report = standby.sync(verify=True)
            assert not report.different
            assert bench.modes(report) == {"a": "incremental", "b": "incremental", "c": "unchanged"}
            assert bench.sync(verify=True).tables[-1].reason == "new"  # the unlogged table
            # What was still running for the last sync may have ended for the standby, or not.
            report = standby.sync(verify=True)
            assert not report.different
            modes = {name: mode for name, mode in bench.modes(report).items() if name in "abc"}
            assert modes == {"a": "incremental", "b": "unchanged", "c": "unchanged"}
            late.commit()
        report = standby.sync(verify=True)
    assert not report.different
    assert bench.modes(report) == {"a": "incremental", "b": "unchanged", "c": "unchanged"}
    assert bench.ask("select v from raw.a where id in (7, 8) order by id") == [
        ("late",),
        ("early",),
    ]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standby that is behind is given no time."""
    monkeypatch.setattr(source, "REPLAY_PATIENCE_SECONDS", 0)


@NEWEST
@pytest.mark.usefixtures("impatient")
def test_a_standby_that_lags_speaks_for_the_moment_it_shows(bench: Bench, standby: Bench) -> None:
    fill(bench, 10)
    catch_up(bench, standby)
    standby.pg("select pg_wal_replay_pause()")
    wait_until(lambda: standby.ask_pg("select where pg_get_wal_replay_pause_state() = 'paused'"))
    last = last_replayed(standby)
    bench.pg("delete from a")
    place = write_mark(bench)
    wait_until(lambda: standby.ask_pg(f"select where pg_last_wal_receive_lsn() >= '{place}'"))
    report = standby.sync(verify=True)
    assert (report.snapshot_at, report.row_count) == (last, 30)
    bench.sync()
    with pytest.raises(SourceError, match=r"shows its primary as of .* before the last sync"):
        standby.sync()
    standby.pg("select pg_wal_replay_resume()")
    catch_up(bench, standby)
    assert not standby.sync(verify=True).different
    assert bench.ask("select count(*) from raw.a") == [(0,)]


def test_a_standby_of_an_idle_primary_shows_what_the_last_sync_saw(
    bench: Bench, standby: Bench, any_server: Server
) -> None:
    """Whether the primary rests, is down or sends nothing: what was replayed is what counts."""
    fill(bench, 10)
    # As the log stands at the start of a file: nobody replays its header.
    bench.pg("select pg_switch_wal()")
    report = bench.sync()
    again = standby.sync()
    # The server's own vacuum may have committed since, which is replayed too.
    assert again.mode == "unchanged"
    assert again.snapshot_at >= report.snapshot_at
    any_server.stop()
    try:
        again = standby.sync(verify=True)
    finally:
        any_server.start()
    assert not again.different
    assert again.snapshot_at >= report.snapshot_at


def test_a_frozen_sender_is_not_as_of_now(bench: Bench, standby: Bench) -> None:
    fill(bench, 10)
    catch_up(bench, standby)
    last = last_replayed(standby)
    ((sender,),) = bench.ask_pg("select pid from pg_stat_replication")
    os.kill(sender, signal.SIGSTOP)
    try:
        bench.pg("delete from a")
        report = standby.sync()
    finally:
        os.kill(sender, signal.SIGCONT)
    assert (report.snapshot_at, report.row_count) == (last, 30)


def test_a_standby_that_is_fed_with_files(bench: Bench, standby: Bench, any_server: Server) -> None:
    fill(bench, 10)
    bench.sync()
    standby.pg(
        "alter system set primary_conninfo = ''",
        f"alter system set restore_command = 'cp {any_server.data}/pg_wal/%f %p'",
        "alter system set wal_retrieve_retry_interval = '50ms'",
    )
    reload_configuration(standby.url)
    wait_until(lambda: not standby.ask_pg("select from pg_stat_wal_receiver"))
    bench.pg("delete from a")
    place = write_mark(bench)
    bench.pg("select pg_switch_wal()")
    wait_until(lambda: standby.ask_pg(f"select where pg_last_wal_replay_lsn() >= '{place}'"))
    report = standby.sync(verify=True)
    assert (report.snapshot_at, report.row_count) == (last_replayed(standby), 20)
    assert not report.different


@NEWEST
def test_a_standby_that_has_replayed_nothing_yet(bench: Bench, standby: Standby) -> None:
    """It is dated by the checkpoint that it began from."""
    fill(bench, 10)
    bench.pg("checkpoint")
    (at, place) = bench.ask_pg(
        "select checkpoint_time, checkpoint_lsn from pg_control_checkpoint()"
    )[0]
    wait_until(lambda: standby.ask_pg(f"select where pg_last_wal_replay_lsn() > '{place}'"))
    standby.pg("checkpoint")  # so that it starts from there
    standby.server.stop("fast")
    standby.server.start()
    assert standby.ask_pg("select pg_last_xact_replay_timestamp()") == [(None,)]
    assert standby.sync().snapshot_at == at.astimezone(UTC)


@NEWEST
def test_a_read_that_replay_ends_is_begun_again(
    bench: Bench, standby: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bench)
    standby.pg("alter system set max_standby_streaming_delay = 0")
    reload_configuration(standby.url)
    catch_up(bench, standby)

    def clean_up() -> None:
        bench.pg("delete from c where v > '8'", "vacuum c")
        catch_up(bench, standby)

    with before_table(monkeypatch, "b", clean_up):
        report = standby.sync()
    assert report.attempts == 2
    assert not standby.sync(verify=True).different


@NEWEST
def test_a_standby_that_was_promoted_has_a_history_of_its_own(bench: Bench, standby: Bench) -> None:
    """From there on, a number names one transaction here and another on the old primary."""
    fill(bench)
    catch_up(bench, standby)
    standby.sync()
    standby.pg("select pg_promote()")
    wait_until(lambda: standby.ask_pg("select where not pg_is_in_recovery()"))
    bench.pg("update a set v = 'here' where id = 7")
    standby.pg("update a set v = 'there' where id = 8")
    report = standby.sync(verify=True)
    assert not report.different
    assert {t.reason for t in report.tables} == {"another history of the database"}
    standby.pg("checkpoint", "update a set v = 'again' where id = 9")
    assert bench.modes(standby.sync()) == {"a": "incremental", "b": "unchanged", "c": "unchanged"}
    report = bench.sync(verify=True)
    assert not report.different
    assert {t.reason for t in report.tables} == {"another history of the database"}
    assert bench.ask("select id from raw.a where v in ('here', 'there', 'again')") == [(7,)]
