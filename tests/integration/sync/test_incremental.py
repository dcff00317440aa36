"""Only what changed is read again, and the result is exact; the reasons for a reload are told."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.errors import UsageError
from sselfie_insights.sync import SyncReport, TableReport
from sselfie_insights.sync.changes import changed_since
from sselfie_insights.warehouse.publish import writable_copy
from tests.integration.sync.conftest import Bench


def table(report: SyncReport, name: str) -> TableReport:
    (found,) = [t for t in report.tables if t.name == name]
    return found


def figures(report: SyncReport, name: str) -> tuple[str, int, int, int]:
    found = table(report, name)
    return found.mode, found.inserted, found.updated, found.deleted


def fill(bench: Bench) -> None:
    bench.pg(
        "create table t (id int primary key, v text, n numeric(6,2), tags text[],"
        " seen_at timestamptz)",
        "insert into t select i, 'v' || i, i / 100.0, array['a'], '2026-01-01'"
        " from generate_series(1, 1000) i",
        "create table keyless (v text)",
        "insert into keyless values ('a'), ('b')",
    )
    assert bench.modes(bench.sync()) == {"t": "full", "keyless": "full"}


def test_changes_are_read_alone(bench: Bench) -> None:
    fill(bench)
    bench.pg(
        "insert into t (id, v) values (1001, 'new')",
        "update t set v = 'changed' where id <= 3",
        "delete from t where id in (4, 5)",
    )
    report = bench.sync(verify=True)
    assert figures(report, "t") == ("incremental", 1, 3, 2)
    assert figures(report, "keyless") == ("unchanged", 0, 0, 0)
    assert table(report, "t").verification == "equal"
    assert bench.ask("select count(*), count(*) filter (where v = 'changed') from raw.t") == [
        (999, 3)
    ]
    recorded = bench.ask(
        "select mode, rows_inserted, rows_updated, rows_deleted, row_count from meta.sync_tables"
        f" where run_id = '{report.run_id}' and table_name = 't'"
    )
    assert recorded == [("incremental", 1, 3, 2, 999)]


def test_nothing_changed_copies_and_publishes_nothing(newest: Bench) -> None:
    fill(newest)
    before = newest.warehouse.stat()
    runs = newest.ask("select count(*) from meta.sync_runs")
    report = newest.sync()
    after = newest.warehouse.stat()
    assert (report.mode, report.published) == ("unchanged", False)
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert newest.ask("select count(*) from meta.sync_runs") == runs


def test_a_commit_that_was_late_is_not_missed(bench: Bench) -> None:
    fill(bench)
    with psycopg.connect(bench.url) as late:
        late.execute("savepoint a")
        late.execute("update t set v = 'late' where id = 7")
        late.execute("release a")
        bench.pg("update t set v = 'early' where id = 8")
        assert figures(bench.sync(), "t") == ("incremental", 0, 1, 0)
        late.commit()
    # Row 8 is read twice: its writer began after the one that was still running.
    assert figures(bench.sync(), "t") == ("incremental", 0, 2, 0)
    assert bench.ask("select v from raw.t where id in (7, 8) order by id") == [
        ("late",),
        ("early",),
    ]


def test_moved_swapped_and_replaced_keys(bench: Bench) -> None:
    fill(bench)
    bench.pg(
        "update t set id = 5000 where id = 1",
        "update t set id = -1 where id = 2; update t set id = 2 where id = 3;"
        " update t set id = 3 where id = -1",
        "delete from t where id = 10; insert into t (id, v) values (10, 'again')",
    )
    report = bench.sync(verify=True)
    assert table(report, "t").verification == "equal"
    assert figures(report, "t") == ("incremental", 1, 3, 1)
    assert bench.ask("select id, v from raw.t where id in (1, 2, 3, 10, 5000) order by id") == [
        (2, "v3"),
        (3, "v2"),
        (10, "again"),
        (5000, "v1"),
    ]


@pytest.mark.parametrize("any_server", [15], indirect=True, ids=["pg15"])
def test_keys_whose_collation_ignores_case(bench: Bench) -> None:
    """The embedded server knows no such collation. In the mirror bytes count."""
    bench.pg(
        "create collation folded (provider = icu, locale = 'und-u-ks-level2',"
        " deterministic = false)",
        "create table named (name text collate folded primary key, v int)",
        "insert into named select 'Name' || i, i from generate_series(1, 9) i",
    )
    bench.sync()
    bench.pg(
        "update named set name = 'NAME1' where name = 'name1'",
        "delete from named where name in ('NAME2', 'NAME3')",
        "insert into named values ('name2', 20)",
    )
    report = bench.sync(verify=True)
    assert figures(report, "named") == ("incremental", 2, 0, 3)
    assert not report.different
    assert bench.ask("select name from raw.named where lower(name) <= 'name3' order by 1") == [
        ("NAME1",),
        ("name2",),
    ]


def test_keys_of_spans_that_must_not_overlap(newest: Bench) -> None:
    newest.pg(
        "create table stays (room int4range, during daterange, v int,"
        " primary key (room, during without overlaps))",
        "insert into stays select '[1,1]', daterange(date '2026-01-01' + i, date '2026-01-02' + i)"
        " from generate_series(1, 9) i",
    )
    newest.sync()
    newest.pg(
        "update stays set v = 1 where during @> date '2026-01-02'",
        "update stays set during = '[2026-02-01,2026-03-01)' where during @> date '2026-01-03'",
    )
    report = newest.sync(verify=True)
    assert figures(report, "stays") == ("incremental", 1, 1, 1)
    assert not report.different


def test_a_table_without_key_is_read_again_when_it_changes(newest: Bench) -> None:
    fill(newest)
    newest.pg("update keyless set v = 'c' where v = 'a'")
    report = newest.sync()
    assert figures(report, "keyless") == ("full", 2, 0, 0)
    assert table(report, "keyless").reason == "rows changed, and it has no key"
    newest.pg("delete from keyless where v = 'b'")
    assert figures(newest.sync(), "keyless") == ("full", 1, 0, 0)


@pytest.mark.parametrize(
    ("statement", "query", "expected"),
    [
        ("alter table t add column x int default 7", "select distinct x from raw.t", [(7,)]),
        ("alter table t drop column n", "select count(*) from duckdb_columns()"
         " where schema_name = 'raw' and table_name = 't'", [(4,)]),
        ("alter table t rename column v to w", "select w from raw.t where id = 1", [("v1",)]),
        ("alter table t alter column id type bigint", "select distinct typeof(id) from raw.t",
         [("BIGINT",)]),
        ("alter table t drop constraint t_pkey", "select count(*) from raw.t", [(1000,)]),
        ("alter table t add column g int generated always as (id * 2) stored",
         "select g from raw.t where id = 4", [(8,)]),
    ],
)  # fmt: skip
def test_a_new_definition_reloads_the_table(
    newest: Bench, statement: str, query: str, expected: list[tuple[object, ...]]
) -> None:
    fill(newest)
    newest.pg(statement)
    report = newest.sync()
    assert table(report, "t").reason == "its definition changed"
    assert figures(report, "keyless")[0] == "unchanged"
    assert newest.ask(query) == expected


def test_a_renamed_enum_value_reloads_the_tables_that_use_it(newest: Bench) -> None:
    newest.pg(
        "create type mood as enum ('a', 'b')",
        "create table m (id int primary key, one mood, many mood[])",
        "insert into m values (1, 'a', array['a', 'b']::mood[])",
    )
    newest.sync()
    newest.pg("alter type mood rename value 'a' to 'z'")
    report = newest.sync()
    assert table(report, "m").reason == "its definition changed"
    assert newest.ask("select one, many from raw.m") == [("z", "{z,b}")]


def test_a_new_generation_expression_reloads_the_table(newest: Bench) -> None:
    newest.pg(
        "create table g (id int primary key, v int generated always as (id * 2) virtual)",
        "insert into g (id) values (1)",
    )
    newest.sync()
    newest.pg("alter table g alter column v set expression as (id * 3)")
    assert table(newest.sync(), "g").reason == "its definition changed"
    assert newest.ask("select v from raw.g") == [(3,)]


def test_a_partition_that_is_exchanged_reloads_the_table(newest: Bench) -> None:
    newest.pg(
        "create table p (id int, area text, primary key (id, area)) partition by list (area)",
        "create table p_old partition of p for values in ('a')",
        "create table p_new (id int not null, area text not null)",
        "insert into p values (1, 'a')",
        "insert into p_new values (2, 'a')",
    )
    newest.sync()
    # As many rows as before, and none that a later transaction wrote.
    newest.pg("alter table p detach partition p_old; alter table p attach partition p_new"
              " for values in ('a')")  # fmt: skip
    assert table(newest.sync(), "p").reason == "its definition changed"
    assert newest.ask("select id from raw.p") == [(2,)]


def test_truncate_and_rewrites(bench: Bench) -> None:
    fill(bench)
    bench.pg("vacuum full t", "cluster t using t_pkey", "vacuum freeze t")
    assert bench.sync().mode == "unchanged"
    bench.pg("truncate t", "insert into t (id) values (5)")
    report = bench.sync(verify=True)
    assert figures(report, "t") == ("incremental", 0, 1, 999)
    assert table(report, "t").verification == "equal"


def test_another_database_of_the_same_shape_is_another_history(newest: Bench) -> None:
    fill(newest)
    name = conninfo_to_dict(newest.url)["dbname"]
    other = make_conninfo(newest.url, dbname=f"{name}_copy")
    admin_url = make_conninfo(newest.url, dbname="postgres")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f'create database "{name}_copy" template "{name}"'.encode())
        try:
            report = newest.sync(settings={"database_url": other})
        finally:
            admin.execute(f'drop database "{name}_copy" with (force)'.encode())
    assert {t.reason for t in report.tables} == {"another history of the database"}


def test_a_role_that_cannot_tell_histories_apart_reads_in_full(newest: Bench) -> None:
    fill(newest)
    newest.pg(
        "do $$ begin create role plain login; exception when duplicate_object then end $$",
        "grant select on all tables in schema public to plain",
        "revoke execute on function pg_control_system() from public",
    )
    settings = {"database_url": make_conninfo(newest.url, user="plain")}
    for _ in range(2):
        report = newest.sync(settings=settings)
        assert newest.modes(report) == {"t": "full", "keyless": "full"}
    assert "pg_control_system()" in table(report, "t").reason


def test_only_some_tables_and_full(newest: Bench) -> None:
    fill(newest)
    newest.pg("update t set v = 'x' where id = 1", "insert into keyless values ('c')")
    report = newest.sync(tables=["public.keyless"])
    assert newest.modes(report) == {"keyless": "full"}
    assert newest.ask("select v from raw.t where id = 1") == [("v1",)]
    assert figures(newest.sync(), "t") == ("incremental", 0, 1, 0)
    report = newest.sync(full=True)
    assert {(t.name, t.mode, t.reason) for t in report.tables} == {
        ("t", "full", "asked for"),
        ("keyless", "full", "asked for"),
    }
    with pytest.raises(UsageError, match="no table nope"):
        newest.sync(tables=["nope"])


def test_a_value_that_does_not_fit_turns_its_column_into_text(bench: Bench) -> None:
    fill(bench)
    bench.pg("update t set n = 'NaN' where id = 1")
    report = bench.sync(verify=True)
    assert table(report, "t").reason == "n holds a value that the native type cannot"
    bench.pg("update t set tags = '{{a,b},{c,d}}', seen_at = '294270-01-01' where id = 2")
    assert table(bench.sync(verify=True), "t").verification == "equal"
    assert bench.ask("select distinct typeof(n), typeof(tags), typeof(seen_at) from raw.t") == [
        ("VARCHAR",) * 3
    ]
    assert bench.ask("select n, tags, seen_at from raw.t where id <= 2 order by id") == [
        ("NaN", "{a}", "2026-01-01 00:00:00+00"),
        ("0.02", "{{a,b},{c,d}}", "294270-01-01 00:00:00+00"),
    ]
    bench.pg("update t set v = 'more' where id = 9")
    assert figures(bench.sync(), "t") == ("incremental", 0, 1, 0)
    # A full reload looks again whether the column still needs to be text.
    bench.pg("update t set n = 1, tags = null, seen_at = null where id <= 2")
    bench.sync(full=True)
    assert bench.ask("select distinct typeof(n), typeof(tags) from raw.t") == [
        ("DECIMAL(6,2)", "VARCHAR[]")
    ]


def test_a_full_reload_keeps_what_no_source_can_give_back(newest: Bench) -> None:
    import duckdb

    fill(newest)
    with duckdb.connect(newest.warehouse) as db:
        db.execute("create schema snapshots")
        db.execute("create table snapshots.plans as select 1 as id")
    newest.sync(full=True)
    assert newest.ask("select id from snapshots.plans") == [(1,)]
    assert newest.ask("select count(*) from meta.sync_runs") == [(2,)]


def test_a_run_may_sync_into_its_own_copy(newest: Bench) -> None:
    fill(newest)
    newest.pg("update t set v = 'x' where id = 1")
    with pytest.raises(RuntimeError, match="later step"), writable_copy(newest.warehouse) as copy:
        report = newest.sync(into=copy)
        assert (report.mode, report.published) == ("incremental", False)
        raise RuntimeError("a later step failed")
    assert newest.ask("select v from raw.t where id = 1") == [("v1",)]
    with writable_copy(newest.warehouse) as copy:
        newest.sync(into=copy)
    assert newest.ask("select v from raw.t where id = 1") == [("x",)]


NOW = 5 * 2**32 + 1000
GAPS = (1, 3, 999, 1000, 1001, 5000, 2**31 - 1)


def test_the_rule_of_xmin_agrees_with_its_definition(newest: Bench) -> None:
    with psycopg.connect(newest.url) as connection:
        for since in (NOW - gap for gap in GAPS):
            numbers = {0, 1, 2, 3, 4, 999, 1000, 1001, 2**31, 2**32 - 1}
            numbers |= {(since + d) % 2**32 for d in (-2, -1, 0, 1, 2)}
            condition = changed_since(since, NOW).replace("xmin", "v")
            for number in sorted(numbers):
                answer = connection.execute(
                    f"select {condition} from (select '{number}'::xid as v)".encode()
                ).fetchone()
                # The latest transaction before NOW with these low bits; below 3 is the oldest.
                latest = ((NOW - 1 - number) & ~(2**32 - 1)) + number
                assert answer == (number >= 3 and latest >= since,), (since, number)


def test_the_rule_of_xmin_refuses_gaps_that_it_cannot_judge() -> None:
    assert changed_since(10, 10) == "false"
    with pytest.raises(ValueError, match="gap"):
        changed_since(NOW - 2**31, NOW)
    with pytest.raises(ValueError, match="gap"):
        changed_since(NOW + 1, NOW)


def test_deleted_rows_do_not_pile_up_in_the_file(newest: Bench) -> None:
    fill(newest)
    stored = []
    for residue in range(10):
        newest.pg(f"update t set v = 'again' where id % 10 = {residue}")
        assert figures(newest.sync(), "t") == ("incremental", 0, 100, 0)
        found = newest.ask("select estimated_size from duckdb_tables() where table_name = 't'")
        stored.append(found[0][0])
    # A hundred are left behind each time; once they are over a quarter, the next sync clears all.
    assert stored == [1100, 1200, 1300, 1000, 1100, 1200, 1300, 1000, 1100, 1200]
    assert newest.ask("select count(*), count(distinct id) from raw.t") == [(1000, 1000)]


@pytest.mark.parametrize("name", ["changed", "present", "raw", "source"])
def test_no_name_of_a_table_gets_in_the_way(newest: Bench, name: str) -> None:
    newest.pg(
        f"create table {name} (id int primary key, v text)",
        f"insert into {name} select i, 'old' from generate_series(1, 10) i",
    )
    newest.sync()
    newest.pg(f"update {name} set v = 'new' where id <= 2", f"delete from {name} where id = 9")
    report = newest.sync(verify=True)
    assert figures(report, name) == ("incremental", 0, 2, 1)
    assert table(report, name).verification == "equal"
