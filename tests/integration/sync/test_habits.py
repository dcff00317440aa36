"""Servers that we did not set up: encodings, outputs, settings of roles, names of strangers."""

import secrets
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.errors import SourceError
from sselfie_insights.migrate import apply, lint_folder, plan, read_status, scratch
from sselfie_insights.setup.doctor.source import check_source, reader_statements
from sselfie_insights.sync.source import open_source
from tests.integration.sync.conftest import Bench
from tests.integration.sync.servers import Server

TEXTS = {"LATIN1": "é", "WIN1252": "é€", "EUC_JP": "日本", "SQL_ASCII": "é", "UTF8": "é日😀"}


@pytest.fixture(autouse=True)
def _scratch(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrations are tried on a server that runs already: to start one each time takes seconds."""
    monkeypatch.setattr(scratch, "_embedded_server", lambda: nullcontext(server))


def encoded(server: Server, folder: Path, encoding: str) -> Bench:
    """A source whose database has ``encoding``."""
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(
            f"create database {name} encoding '{encoding}' locale 'C' template template0".encode()
        )
    return Bench(make_conninfo(server.url, dbname=name, client_encoding="utf8"), folder)


@pytest.mark.parametrize("encoding", TEXTS)
def test_every_encoding_arrives_as_utf8(any_server: Server, tmp_path: Path, encoding: str) -> None:
    bench, text = encoded(any_server, tmp_path, encoding), TEXTS[encoding]
    bench.pg(
        "create table t (id int primary key, v text, a text[], c char(9))",
        f"insert into t values (1, '{text}', array['{text}', null], '{text}')",
        "insert into t (id) values (2)",
    )
    (table,) = bench.sync(verify=True).tables
    assert table.verification == "equal"
    assert bench.ask("select v, a from raw.t order by id") == [(text, [text, None]), (None, None)]
    bench.pg(f"update t set v = '{text}!' where id = 2")
    (table,) = bench.sync(verify=True).tables
    assert (table.mode, table.verification) == ("incremental", "equal")


def test_bytes_that_are_no_text_are_refused_by_the_name_of_their_table(
    any_server: Server, tmp_path: Path
) -> None:
    bench = encoded(any_server, tmp_path, "SQL_ASCII")
    bench.pg("create table fine (v text)", "create table odd (v text)")
    with psycopg.connect(bench.url, client_encoding="sql_ascii") as connection:
        connection.execute(rb"insert into odd values (E'caf\xe9')")
    with pytest.raises(SourceError, match=r"at public\.odd: invalid byte sequence") as refused:
        bench.sync()
    assert "SQL_ASCII" in refused.value.remedy
    assert "again" not in refused.value.remedy


def test_text_is_what_the_type_writes(bench: Bench) -> None:
    bench.pg(
        "create type mood as enum ('sad')",
        "create function shout(mood) returns text language sql immutable as $$ select 'SAD' $$",
        "create cast (mood as text) with function shout(mood)",
        "create domain label as char(4)",
        "create table t (id int primary key, i inet, c char(5), l label, a char(3)[], m mood)",
        "insert into t values (1, '10.0.0.1', 'ab', 'x', array['y'], 'sad')",
        "insert into t (id) values (2)",
    )
    (table,) = bench.sync(verify=True).tables
    assert table.verification == "equal"
    # As psql shows them.
    assert bench.ask("select * exclude id from raw.t where id = 1") == [
        ("10.0.0.1", "ab   ", "x   ", '{"y  "}', "sad")
    ]


def test_xml(bench: Bench) -> None:
    try:
        bench.pg("create table t (id int primary key, v xml)", "insert into t values (1, '<a/>')")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this server knows no XML")
    assert not bench.sync(verify=True).different
    assert bench.ask("select v from raw.t") == [("<a/>",)]


HABITS = {
    "statement_timeout": "1",
    "idle_in_transaction_session_timeout": "1",
    "idle_session_timeout": "1",
    "lock_timeout": "1",
    # The only one that no option at the start of a session sets: it leaves time to set it then.
    "transaction_timeout": "300",
    "standard_conforming_strings": "off",
    "bytea_output": "escape",
    "intervalstyle": "sql_standard",
    "datestyle": "'SQL, DMY'",
    "timezone": "'Asia/Tokyo'",
    "extra_float_digits": "-5",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "quote_all_identifiers": "on",
    "row_security": "off",
    "search_path": "public, pg_catalog",
}


@pytest.fixture
def owner(bench: Bench) -> Iterator[str]:
    """The connection string of a role that owns a table with values of many types."""
    database = conninfo_to_dict(bench.url)["dbname"]
    name = f"owner_{database}"
    bench.pg(
        f"create role {name} login",
        f"grant all on schema public to {name}",
        f"grant create on database {database} to {name}",
        "create table t (id int primary key, b bytea, ba bytea[], i interval, d date[],"
        " f float8[], z timestamptz[])",
        r"insert into t select g, '\xff', array['\x00'::bytea], '1 day 2 h',"
        " array[date '2026-02-03'], array[0.1], array[timestamptz '2026-02-03 04:05+00']"
        " from generate_series(1, 2000) g",
        f"alter table t owner to {name}",
    )
    yield make_conninfo(bench.url, user=name)
    bench.pg(f"drop owned by {name} cascade", f"drop role {name}")


@pytest.mark.parametrize("setting", HABITS)
def test_no_setting_of_a_role_reaches_us(
    bench: Bench, owner: str, setting: str, tmp_path: Path
) -> None:
    role = conninfo_to_dict(owner)["user"]
    try:
        bench.pg(f"alter role {role} set {setting} = {HABITS[setting]}")
    except psycopg.errors.UndefinedObject:
        pytest.skip(f"this server has no {setting}")
    (table,) = bench.sync(settings={"database_url": owner}, verify=True).tables
    assert (table.verification, table.row_count) == ("equal", 2000)
    assert bench.ask("select b, ba, i, d, f, z from raw.t where id = 1") == [
        (
            b"\xff",
            r'{"\\x00"}',
            "1 day 02:00:00",
            "{2026-02-03}",
            "{0.1}",
            '{"2026-02-03 04:05:00+00"}',
        )
    ]
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_add_note.sql").write_text(
        "select pg_sleep(0.4);\n"
        r"alter table public.t add note text default 'a\'; -- 'is text';"
    )
    apply(owner, folder=folder)
    assert bench.ask_pg("select distinct note from t") == [("a\\",)]


@pytest.mark.parametrize("limit", [0, 1])
def test_a_role_with_too_few_connections_is_advised(bench: Bench, owner: str, limit: int) -> None:
    role = conninfo_to_dict(owner)["user"]
    bench.pg(f"alter role {role} connection limit {limit}")
    with pytest.raises(SourceError, match="too many connections for role") as refused:
        bench.sync(settings={"database_url": owner})
    assert "raise the connection limit of the role or database" in refused.value.remedy
    bench.pg(f"alter role {role} connection limit 3")
    assert bench.sync(settings={"database_url": owner}).tables


# Each fits better what is asked than PostgreSQL's own, or is found before it.
PLANTED = """
create function public.evil(name, name) returns boolean language plpgsql as $$
    begin raise exception 'hijacked'; end $$;
create function public.evil(name, text) returns boolean language plpgsql as $$
    begin raise exception 'hijacked'; end $$;
create function public.evil(oid, oid) returns boolean language plpgsql as $$
    begin raise exception 'hijacked'; end $$;
create function public.evil(text, text) returns text language plpgsql as $$
    begin raise exception 'hijacked'; end $$;
create function public.quote_ident(text) returns text language plpgsql as $$
    begin raise exception 'hijacked'; end $$;
create function public.concat_ws(text, variadic text[]) returns text language plpgsql as $$
    begin raise exception 'hijacked'; end $$;
create function public.format(text, text) returns text language plpgsql as $$
    begin raise exception 'hijacked'; end $$;
create function public.pg_try_advisory_lock(bigint) returns boolean language plpgsql as $$
    begin raise exception 'hijacked'; end $$;
create function public.set_config(text, text, boolean) returns text language plpgsql as $$
    begin raise exception 'hijacked'; end $$;
create operator public.= (leftarg = name, rightarg = name, function = public.evil);
create operator public.= (leftarg = name, rightarg = text, function = public.evil);
create operator public.= (leftarg = oid, rightarg = oid, function = public.evil);
create operator public.|| (leftarg = text, rightarg = text, function = public.evil);
create operator public.!~ (leftarg = name, rightarg = text, function = public.evil);
"""


@pytest.mark.parametrize("as_superuser", [True, False], ids=["superuser", "reader"])
def test_nothing_that_strangers_plant_runs(
    bench: Bench, owner: str, as_superuser: bool, tmp_path: Path
) -> None:
    name = conninfo_to_dict(bench.url)["dbname"]
    url = bench.url if as_superuser else owner
    bench.pg(PLANTED, f'alter database "{name}" set search_path = public, pg_catalog')
    with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match="hijacked"):
        connection.execute("select 1 where 'a'::name = 'a'::name")
    settings = {"database_url": url}
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_add_note.sql").write_text("alter table public.t add note text;")
    (folder / "0002_add_index.sql").write_text(
        "-- migrate: no-transaction\ncreate index concurrently on public.t (note);"
    )
    assert not bench.sync(settings=settings, verify=True).different
    assert not bench.sync(settings=settings, full=True, verify=True).different
    assert {each.severity for each in plan(url, folder=folder).findings} <= {"warning"}
    assert {each.severity for each in lint_folder(folder, url).findings} <= {"warning"}
    assert len(apply(url, folder=folder)) == 2
    assert {step.state for step in read_status(url, folder=folder).steps} == {"applied"}
    assert {each.state for each in check_source(bench.settings(**settings))} <= {"ok", "warning"}
    assert reader_statements(bench.settings(**settings))


def test_a_url_of_prismas_is_understood(bench: Bench) -> None:
    bench.pg("create table t (id int)")
    parts = conninfo_to_dict(bench.url)
    url = (
        f"postgresql://postgres@/{parts['dbname']}?host={parts['host']}&port={parts['port']}"
        "&schema=public&pgbouncer=true&connection_limit=1"
    )
    settings = bench.settings(database_url=url)
    assert settings.describe_foreign_parameters() == (
        "left out of the database URL: schema=public, pgbouncer=true, connection_limit=1; the"
        " schemas to read are those of SSELFIE_SOURCE_SCHEMAS"
    )
    with open_source(settings.require_database_url(), settings) as source:
        assert len(source.read_catalog()) == 1
