"""A standby is mirrored as exactly as its primary, which may be ahead of it."""

import shutil
from collections.abc import Iterator
from datetime import UTC

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.errors import SourceError
from tests.integration.sync.conftest import Bench
from tests.integration.sync.faults import before_table, fill
from tests.integration.sync.servers import Server
from tests.support.waiting import reload_configuration, wait_until

NEWEST = pytest.mark.parametrize("any_server", [18], indirect=True, ids=["pg18"])


@pytest.fixture
def standby(bench: Bench, any_server: Server) -> Iterator[Bench]:
    """A server that follows ``bench``; what is done to it lands in the same warehouse."""
    server = any_server.create_standby()
    server.start()
    name = conninfo_to_dict(bench.url)["dbname"]
    try:
        yield Bench(make_conninfo(server.url, dbname=name), bench.warehouse.parent)
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
    fill(bench)
    bench.pg("create unlogged table fleeting (id int)", "insert into fleeting values (1)")
    catch_up(bench, standby)
    report = standby.sync(verify=True)
    assert {(t.name, t.verification) for t in report.tables} == {(n, "equal") for n in "abc"}
    told = "select kind, detail from meta.contract_drift where table_name = 'fleeting'"
    assert bench.ask(told) == [
        ("not mirrored", "an unlogged table: a standby has none of its rows")
    ]

    with psycopg.connect(bench.url) as late:
        late.execute("update a set v = 'late' where id = 7")
        bench.pg("update a set v = 'early' where id = 8", "delete from b where id <= 10")
        catch_up(bench, standby)
        report = standby.sync(verify=True)
        assert not report.different
        assert bench.modes(report) == {"a": "incremental", "b": "incremental", "c": "unchanged"}
        assert bench.sync(verify=True).tables[-1].reason == "new"  # the unlogged table
        # What ended, for the last sync, may still run for the standby.
        report = standby.sync(verify=True)
        assert not report.different
        assert {t.reason for t in report.tables if t.name != "fleeting"} == {
            "the standby may not show yet all that the last sync saw"
        }
        late.commit()
    catch_up(bench, standby)
    report = standby.sync(verify=True)
    assert not report.different
    assert bench.modes(report) == {"a": "incremental", "b": "unchanged", "c": "unchanged"}
    assert bench.ask("select v from raw.a where id in (7, 8) order by id") == [
        ("late",),
        ("early",),
    ]


@NEWEST
def test_a_standby_that_lags_speaks_for_the_moment_it_shows(bench: Bench, standby: Bench) -> None:
    fill(bench, 10)
    catch_up(bench, standby)
    standby.pg("select pg_wal_replay_pause()")
    wait_until(lambda: standby.ask_pg("select where pg_get_wal_replay_pause_state() = 'paused'"))
    (last,) = standby.ask_pg("select pg_last_xact_replay_timestamp()")[0]
    bench.pg("delete from a")
    place = write_mark(bench)
    wait_until(lambda: standby.ask_pg(f"select where pg_last_wal_receive_lsn() >= '{place}'"))
    report = standby.sync(verify=True)
    assert (report.snapshot_at, report.row_count) == (last.astimezone(UTC), 30)
    bench.sync()
    with pytest.raises(SourceError, match=r"shows its primary as of .* before the last sync"):
        standby.sync()
    standby.pg("select pg_wal_replay_resume()")
    catch_up(bench, standby)
    assert not standby.sync(verify=True).different
    assert bench.ask("select count(*) from raw.a") == [(0,)]


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
