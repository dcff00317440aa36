"""What the mirror refuses, what it never reads, and what it says of the source's schema."""

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import ExitCode, SourceError, StorageError
from tests.integration.sync.conftest import Bench, run_command
from tests.integration.sync.servers import Server
from tests.support.waiting import reload_configuration

READER = "reader_of_tests"
TOKEN = "tok-1f0c7a"


@pytest.fixture
def reader(bench: Bench) -> str:
    """The connection string of a role that owns nothing."""
    bench.pg(f"do $$ begin create role {READER} login; exception when duplicate_object then end $$")
    return make_conninfo(bench.url, user=READER)


def refuse(bench: Bench, url: str) -> SourceError:
    with pytest.raises(SourceError) as refused:
        bench.sync(settings={"database_url": url})
    assert not bench.warehouse.exists()
    return refused.value


def test_unreadable_tables_and_columns_are_refused(bench: Bench, reader: str) -> None:
    bench.pg(
        "create table open_table (id int)",
        "create table waitlist (id int)",
        f"grant select on open_table to {READER}",
    )
    error = refuse(bench, reader)
    assert error.message.endswith(
        'may not read public.waitlist; sselfie.toml can do without: tables.leave_out = ["waitlist"]'
    )
    assert error.remedy == f'grant select on all tables in schema "public" to "{READER}"'
    bench.pg(error.remedy)
    assert len(bench.sync(settings={"database_url": reader}).tables) == 2


def test_tables_that_nothing_is_made_of_may_stay_closed(bench: Bench, reader: str) -> None:
    bench.pg("create table salaries (id int)", "create table notes (id int, body text)")
    mine = {"database_url": reader}
    error = refuse(bench, reader)
    assert "may read no table of" in error.message and "public.notes" in error.message
    assert error.remedy == f'grant select on all tables in schema "public" to "{READER}"'
    bench.pg(f"grant select on notes to {READER}")
    assert [table.name for table in bench.sync(settings=mine).tables] == ["notes"]
    assert bench.ask(
        "select kind, detail from meta.contract_drift where table_name = 'salaries'"
    ) == [("not mirrored", f"role {READER} may not read it")]
    assert bench.sync(settings=mine).mode == "unchanged"
    bench.pg(f"revoke select on notes from {READER}", f"grant select on salaries to {READER}")
    modes = bench.modes(bench.sync(settings=mine))
    assert modes == {"salaries": "full", "notes": "dropped"}
    changes = "select table_name, kind from meta.schema_changes"
    assert bench.ask(changes) == [("public.salaries", "table added")]


def test_a_schema_that_may_not_be_used_is_refused(bench: Bench, reader: str) -> None:
    bench.pg("create schema hidden", "create table hidden.t (id int)")
    with pytest.raises(SourceError, match="may not use schema") as refused:
        bench.sync(settings={"database_url": reader, "source_schemas": ("hidden",)})
    bench.pg(refused.value.remedy)


def test_row_level_security_that_may_hide_rows_is_refused(bench: Bench, reader: str) -> None:
    bench.pg(
        "create table t (id int primary key)",
        "insert into t values (1), (2)",
        f"grant select on t to {READER}",
        "alter table t enable row level security",
        f"create policy first_row on t for select to {READER} using (id = 1)",
    )
    error = refuse(bench, reader)
    assert "row-level security may hide rows of public.t" in error.message
    bench.pg(error.remedy)
    assert bench.sync(settings={"database_url": reader}).row_count == 2
    bench.warehouse.unlink()
    bench.pg("create policy narrow on t as restrictive for select using (id > 1)")
    refuse(bench, reader)
    # The owner is not subject to it.
    assert bench.sync().row_count == 2


def test_secrets_are_never_selected(bench: Bench, reader: str, any_server: Server) -> None:
    bench.pg(
        "create table instagram_connections (id serial primary key, user_id text,"
        " access_token text, is_active boolean)",
        f"insert into instagram_connections (user_id, access_token) values ('u1', '{TOKEN}')",
    )
    grant = refuse(bench, reader).remedy
    assert grant == (
        'grant select ("id", "user_id", "is_active", xmin, ctid)'
        f' on "public"."instagram_connections" to "{READER}"'
    )
    bench.pg(grant)
    start = any_server.log.stat().st_size
    mine = {"database_url": reader}
    bench.sync(settings=mine, verify=True)
    bench.pg("update instagram_connections set user_id = 'u2'")
    (changed,) = bench.sync(settings=mine, verify=True).tables
    assert (changed.mode, changed.verification) == ("incremental", "equal")
    bench.pg(f"revoke select (xmin) on instagram_connections from {READER}")
    (whole,) = bench.sync(settings=mine, verify=True).tables
    assert (whole.mode, whole.verification) == ("full", "equal")
    assert whole.reason == "the role may not read its columns xmin and ctid"
    bench.pg("delete from instagram_connections; insert into instagram_connections (id) values (9)")
    bench.sync(settings=mine, full=True)
    statements = any_server.log.read_bytes()[start:].decode()
    assert "COPY (SELECT" in statements
    assert "access_token" not in statements
    assert bench.ask("select id, access_token, typeof(access_token) from"
                     " raw.instagram_connections") == [(9, None, "VARCHAR")]  # fmt: skip
    assert TOKEN.encode() not in bench.warehouse.read_bytes()
    assert bench.warehouse.stat().st_mode & 0o777 == 0o600
    code, out, _ = run_command(bench, "status", "--format", "csv")
    assert code == 0
    assert "secret,public.instagram_connections.access_token" in out


def test_the_password_appears_nowhere(newest: Bench) -> None:
    newest.pg("create table t (id int primary key)")
    url = make_conninfo(newest.url, password="hunter2-secret")
    newest.sync(settings={"database_url": url})
    with pytest.raises(SourceError) as failed:
        newest.sync(settings={"database_url": make_conninfo(url, port="1")})
    assert "hunter2" not in str(failed.value)
    for path in newest.warehouse.parent.iterdir():
        assert b"hunter2" not in path.read_bytes(), path


def test_a_pooled_host_is_refused(newest: Bench) -> None:
    host = "ep-cool-sun-123456-pooler.eu-central-1.aws.neon.tech"
    error = refuse(newest, f"postgresql://reader:x@{host}/db")
    assert error.remedy.startswith("use the direct host ep-cool-sun-123456.eu-central-1")


def test_an_empty_source_is_refused(newest: Bench) -> None:
    error = refuse(newest, newest.url)
    assert "sselfie migrate apply" in error.remedy
    assert "SSELFIE_SOURCE_SCHEMAS" in error.remedy


@pytest.mark.parametrize(
    ("url", "warehouse", "code", "words"),
    [
        ("", None, ExitCode.USAGE, "no database URL"),
        ("postgresql://127.0.0.1:1/x", None, ExitCode.SOURCE, "Connection refused"),
        ("postgresql://u:p@ss@host/x", None, ExitCode.USAGE, "cannot be understood"),
        (None, "/proc/w.duckdb", ExitCode.USAGE, "cannot be written"),
        (None, None, ExitCode.SOURCE, "no tables in schema public"),
    ],
)
def test_each_error_is_one_line_with_its_code(
    newest: Bench, url: str | None, warehouse: str | None, code: ExitCode, words: str
) -> None:
    option = ["--warehouse", warehouse] if warehouse else []
    found, out, err = run_command(newest, "sync", *option, url=url)
    assert (found, out) == (code, "")
    assert err.startswith("error: ")
    assert words in err
    assert err.count("\n") == 1
    assert not newest.warehouse.exists()


def test_a_file_that_is_no_warehouse_is_left_alone(newest: Bench) -> None:
    newest.pg("create table t (id int)")
    newest.warehouse.write_text("notes of mine")
    with pytest.raises(StorageError, match="not a warehouse"):
        newest.sync()
    assert newest.warehouse.read_text() == "notes of mine"


def test_a_wrong_password_is_told(newest: Bench, newest_server: Server) -> None:
    newest.pg("create table t (id int)")
    rules = newest_server.data / "pg_hba.conf"
    trusting = rules.read_text()
    newest.pg(
        f"do $$ begin create role {READER} login; exception when duplicate_object then end $$"
    )
    try:
        rules.write_text(f"local all {READER} scram-sha-256\n{trusting}")
        reload_configuration(newest.url)
        error = refuse(newest, make_conninfo(newest.url, user=READER, password="wrong"))
    finally:
        rules.write_text(trusting)
        reload_configuration(newest.url)
    assert "password authentication failed" in error.message


def test_schema_changes_and_drift_are_recorded(newest: Bench) -> None:
    newest.pg(
        "create table subscriptions (id serial primary key, user_id text, plan text,"
        " status integer, created_at timestamp, odd text)",
        "create table gone (id int)",
        "create table old_name (id int)",
    )
    newest.sync()
    drift = newest.ask(
        "select column_name, kind, detail from meta.contract_drift"
        " where table_name = 'subscriptions' and kind <> 'column missing' order by column_name"
    )
    assert drift == [
        ("created_at", "type differs",
         "timestamp without time zone, documented as timestamp with time zone"),
        ("odd", "column undocumented", "text"),
        ("plan_name", "column renamed", "is plan in the source"),
        ("status", "type differs", "integer, documented as text"),
    ]  # fmt: skip
    missing = newest.ask("select count(*) from meta.contract_drift where kind = 'table missing'")
    assert missing == [(len(load_contract()) - 1,)]
    newest.pg(
        "drop table gone",
        "alter table old_name rename to new_name",
        "create table added (id int)",
        "alter table subscriptions drop column odd",
        "alter table subscriptions rename column plan to plan_name",
        "alter table subscriptions alter column status type text",
        "alter table subscriptions add column extra text",
    )
    report = newest.sync()
    changes = newest.ask(
        "select table_name, column_name, kind, detail from meta.schema_changes"
        f" where run_id = '{report.run_id}' order by 1, 2 nulls first"
    )
    assert changes == [
        ("public.added", None, "table added", "1 columns"),
        ("public.gone", None, "table dropped", "0 rows"),
        ("public.new_name", None, "table renamed", "was public.old_name"),
        ("public.subscriptions", "extra", "column added", "text"),
        ("public.subscriptions", "odd", "column dropped", "text"),
        ("public.subscriptions", "plan_name", "column renamed", "was plan"),
        ("public.subscriptions", "status", "column retyped", "integer to text"),
    ]
    assert newest.ask(
        "select table_name from duckdb_tables() where schema_name = 'raw' order by 1"
    ) == [("added",), ("new_name",), ("subscriptions",)]
    assert newest.sync().mode == "unchanged"
    newest.pg(
        "alter table added rename to old; alter table new_name rename to added;"
        " alter table old rename to new_name",
        "drop table subscriptions",
        "create table subscriptions (id int)",
    )
    report = newest.sync()
    assert newest.ask(
        "select table_name, kind, detail from meta.schema_changes"
        f" where run_id = '{report.run_id}' order by 1"
    ) == [
        ("public.added", "table renamed", "was public.new_name"),
        ("public.new_name", "table renamed", "was public.added"),
        ("public.subscriptions", "table replaced", "dropped and created again"),
    ]


def test_the_documented_schema_has_no_drift(newest: Bench) -> None:
    code, _, err = run_command(newest, "migrate", "apply")
    assert code == 0, err
    report = newest.sync(verify=True)
    assert newest.ask("select * from meta.contract_drift where table_name in"
                      " (select table_name from meta.mirror_tables"
                      "  where schema_name = 'public')") == []  # fmt: skip
    assert set(load_contract()) <= {table.name for table in report.tables}
    assert not report.different


def test_what_is_not_mirrored_is_named(bench: Bench) -> None:
    bench.pg(
        "create table t (id int)",
        "create view users as select 1 as id",
        "create foreign data wrapper nothing",
        "create server elsewhere foreign data wrapper nothing",
        "create foreign table far (id int) server elsewhere",
        "create schema crm",
        'create view crm."Odd.view" as select 1 as id',
    )
    report = bench.sync(settings={"source_schemas": ("public", "crm")})
    assert bench.modes(report) == {"t": "full"}
    code, out, _ = run_command(bench, "status", "--format", "csv")
    assert code == 0
    for line in (
        'contract,users,"table not mirrored: documented, and a view: it has no rows of its own;'
        " 'sselfie doctor' says what to do\"",
        "contract,far,not mirrored: a foreign table: its rows live on another server",
        "contract,crm.Odd.view,not mirrored: a view: it has no rows of its own",
    ):
        assert line in out.splitlines()


def test_partitions_on_another_server_are_mirrored_and_told_apart(bench: Bench) -> None:
    if not bench.ask_pg("select from pg_available_extensions where name = 'postgres_fdw'"):
        pytest.skip("this server has no postgres_fdw")
    here = conninfo_to_dict(bench.url)
    bench.pg(
        "create schema store",
        "create table store.far (id int, area text)",
        "insert into store.far values (1, 'far')",
        "create extension postgres_fdw schema store",
        "create server elsewhere foreign data wrapper postgres_fdw options"
        f" (host '{here['host']}', port '{here['port']}', dbname '{here['dbname']}')",
        "create user mapping for current_user server elsewhere options (user 'postgres')",
        "create table parts (id int, area text) partition by list (area)",
        "create table parts_near partition of parts for values in ('near')",
        "create foreign table parts_far partition of parts for values in ('far')"
        " server elsewhere options (schema_name 'store', table_name 'far')",
        "insert into parts values (2, 'near')",
    )
    (parts,) = bench.sync(verify=True).tables
    assert (parts.row_count, parts.verification) == (2, "not comparable")
    bench.pg("update store.far set id = 9")
    (parts,) = bench.sync().tables
    assert (parts.mode, parts.reason) == ("full", "some of its partitions are on another server")
    assert bench.ask("select id from raw.parts order by id") == [(2,), (9,)]
    _, out, _ = run_command(bench, "status", "--format", "csv")
    assert 'contract,parts,"foreign partition: some of its rows live on another server' in out


def test_a_schema_that_is_not_there_is_refused(bench: Bench) -> None:
    bench.pg("create table t (id int)")
    with pytest.raises(SourceError, match="has no schema crmm"):
        bench.sync(settings={"source_schemas": ("public", "crmm")})
    assert not bench.warehouse.exists()


def test_further_schemas_are_mirrored_beside_raw(newest: Bench) -> None:
    newest.pg(
        "create table t (id int)",
        "insert into t values (1)",
        "create schema crm",
        "create table crm.t (id int)",
        "insert into crm.t values (2)",
    )
    newest.sync(settings={"source_schemas": ("public", "crm")})
    assert newest.ask("select r.id, c.id from raw.t r, raw_crm.t c") == [(1, 2)]
    newest.sync(settings={"source_schemas": ("public",)})
    assert newest.ask("select count(*) from duckdb_tables() where schema_name = 'raw_crm'") == [
        (0,)
    ]
