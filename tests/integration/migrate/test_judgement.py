"""A migration is judged by what it does to a copy, on PostgreSQL 15 and 18."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.migrate import lint_folder, load_migrations, plan
from sselfie_insights.migrate.lint import RULES, Finding, judge_files, lint
from sselfie_insights.migrate.watch import Watcher
from tests.conftest import temporary_database
from tests.integration.migrate.conftest import Folder
from tests.integration.sync.servers import Server

SCHEMA = """
create table public.plans (id integer primary key, name text);
create table public.users (
    id integer primary key, email text, plan varchar(10), visits integer, price numeric(10, 2)
);
create index users_email_idx on public.users (email);
create materialized view public.totals as select count(*) as n from public.plans;
create view public.names as select name from public.plans;
create table public.events (id integer, at date) partition by range (at);
create table public.events_new partition of public.events default;
create table public.events_old (id integer, at date);
create function public.note() returns trigger language plpgsql as 'begin return new; end';
create function public.purge() returns void language sql as 'delete from public.users';
create function public.total() returns bigint language plpgsql as
    'begin return (select count(*) from public.users); end';
create type public.mood as enum ('sad', 'ok');
create domain public.amount as integer;
create table public.bills (id integer primary key, amount public.amount, user_id integer
    constraint bills_user references public.users (id));
"""
ALONE = "-- migrate: no-transaction\n"
EXCLUSIVE, SHARE = "AccessExclusiveLock", "ShareLock"
ROW_EXCLUSIVE, UPDATE_EXCLUSIVE = "ShareRowExclusiveLock", "ShareUpdateExclusiveLock"

# (statement, lock on public.users by the manual's chapter on ALTER TABLE and explicit locking,
#  whether the manual says that the table is rewritten)
CLAIMS = [
    ("create index i on public.users (email)", SHARE, False),
    ("create index concurrently i on public.users (email)", UPDATE_EXCLUSIVE, False),
    ("drop index public.users_email_idx", EXCLUSIVE, False),
    ("drop index concurrently public.users_email_idx", UPDATE_EXCLUSIVE, False),
    ("alter table public.users add column a text", EXCLUSIVE, False),
    ("alter table public.users add column a text default 'x'", EXCLUSIVE, False),
    ("alter table public.users add column a timestamptz default now()", EXCLUSIVE, False),
    ("alter table public.users add column a timestamptz default clock_timestamp()",
     EXCLUSIVE, True),
    ("alter table public.users add column a uuid default gen_random_uuid()", EXCLUSIVE, True),
    ("alter table public.users add column a serial", EXCLUSIVE, True),
    ("alter table public.users add column a integer generated always as identity",
     EXCLUSIVE, True),
    ("alter table public.users add column a text generated always as (email) stored",
     EXCLUSIVE, True),
    ("alter table public.users alter column plan type text", EXCLUSIVE, False),
    ("alter table public.users alter column plan type varchar(20)", EXCLUSIVE, False),
    ("alter table public.users alter column plan type varchar(5)", EXCLUSIVE, True),
    ("alter table public.users alter column visits type bigint", EXCLUSIVE, True),
    ("alter table public.users alter column price type numeric(12, 2)", EXCLUSIVE, False),
    ("alter table public.users alter column price type numeric(12, 4)", EXCLUSIVE, True),
    ("alter table public.users alter column email set not null", EXCLUSIVE, False),
    ("alter table public.users add constraint f foreign key (visits) references public.plans (id)",
     ROW_EXCLUSIVE, False),
    ("alter table public.users add constraint f foreign key (visits) references public.plans (id)"
     " not valid", ROW_EXCLUSIVE, False),
    ("alter table public.users add constraint c check (visits > 0)", EXCLUSIVE, False),
    ("alter table public.users add constraint c check (visits > 0) not valid", EXCLUSIVE, False),
    ("alter table public.users add constraint u unique (email)", EXCLUSIVE, False),
    ("vacuum full public.users", EXCLUSIVE, True),
    ("reindex table public.users", SHARE, False),
    ("reindex table concurrently public.users", UPDATE_EXCLUSIVE, False),
    ("create trigger t after insert on public.users execute function public.note()",
     ROW_EXCLUSIVE, False),
    ("lock table public.users in share mode", SHARE, False),
    ("truncate public.users cascade", EXCLUSIVE, True),
]  # fmt: skip

# rule: a text that breaks it, and one that must not
CASES: dict[str, tuple[str, str]] = {
    "require-concurrent-index-creation": (
        "create index i on public.users (visits);",
        f"{ALONE}create index concurrently i on public.users (visits);",
    ),
    "require-concurrent-index-deletion": (
        "drop index public.users_email_idx;",
        f"{ALONE}drop index concurrently public.users_email_idx;",
    ),
    "require-concurrent-reindex": (
        "reindex table public.users;",
        f"{ALONE}reindex (concurrently) table public.users;",
    ),
    "rewriting-table": (
        "alter table public.users add a float default random();",
        "alter table public.users add a integer default -1;",
    ),
    "scanning-table": (
        "alter table public.users alter email set not null;",
        "alter table public.users add constraint c check (email is not null) not valid;",
    ),
    "locking-table": (f"{ALONE}vacuum full public.users;", f"{ALONE}vacuum public.users;"),
    "creating-trigger": (
        "create trigger t after insert on public.users execute function public.note();",
        "create table public.new (id int);"
        "create trigger t after insert on public.new execute function public.note();",
    ),
    "detaching-partition": (
        "alter table public.events detach partition public.events_new;",
        "create table public.e (id integer) partition by list (id);"
        "create table public.f partition of public.e default;"
        "alter table public.e detach partition public.f;",
    ),
    "backfill-beside-ddl": (
        "alter table public.users add a integer; update public.users set a = 1 where id < 9;",
        f"{ALONE}alter table public.users add a integer;"
        "update public.users set a = 1 where id < 9;",
    ),
    "dropping-object": (
        "do $$ begin execute 'drop table public.' || 'bills'; end $$;",
        "create table public.bill (id integer); drop table public.bill;",
    ),
    "renaming-object": (
        "alter type public.mood rename value 'ok' to 'fine';",
        "alter index public.users_email_idx rename to i;",
    ),
    "truncating-table": ("truncate public.bills;", "delete from public.bills where id = 1;"),
    "changing-every-row": (
        "with x as (select 1) update public.bills set amount = (select 1 from plans where id = 1);",
        "insert into public.bills values (1) on conflict (id) do update set amount = 1;",
    ),
    "narrowing-column-type": (
        "alter table public.users alter plan type varchar(5);",
        "alter table public.users alter plan type varchar(20);",
    ),
    "changing-collation": (
        'alter table public.users alter plan type varchar(10) collate "C";',
        "alter table public.users alter plan type varchar(10);",
    ),
    "failing": ("create index concurrently i on public.users (email);", "select 1;"),
    "unjudged": (
        "do $$ begin if exists (select from public.users) then perform 1; end if; end $$;",
        "do $$ begin create type public.kind as enum ('a'); exception when others then end $$;",
    ),
    "transaction-control": ("begin;", "select 'begin'; /* commit; */"),
    "identifier-too-long": (
        f"create table public.{'é' * 32} (id integer);",
        f"create table public.{'a' * 63} (id integer);",
    ),
    "used-by-views": (
        "alter table public.plans alter name type varchar;",
        "alter table public.users alter plan type text;",
    ),
    "locking-several-tables": (
        "alter table public.users add a text; alter table public.plans add b text;",
        f"{ALONE}alter table public.users add a text; alter table public.plans add b text;",
    ),
    "unused-ignore": (
        "-- lint: ignore dropping-object we do not drop\nselect 1;",
        "-- lint: ignore dropping-object nobody reads it\ndrop table public.bills;",
    ),
}  # fmt: skip


@pytest.fixture
def base(target: str) -> str:
    """A database with some tables, which hold nothing."""
    with psycopg.connect(target) as connection:
        connection.execute(SCHEMA)
    return target


@pytest.fixture(scope="module")
def shared_target(each_server: Server) -> Iterator[str]:
    with temporary_database(each_server.url) as url:
        yield url


def findings(url: str | None, path: Path) -> list[Finding]:
    """What blocks, warns or is waived where every table counts as large."""
    return list(lint_folder(path, url, large_table_bytes=0).findings)


@pytest.mark.parametrize(("statement", "lock", "is_rewritten"), CLAIMS)
def test_what_is_seen_is_what_the_manual_says(
    shared_target: str, folder: Folder, statement: str, lock: str, is_rewritten: bool
) -> None:
    with psycopg.connect(shared_target) as connection:
        connection.execute("drop schema if exists sselfie_watch cascade")
        connection.execute("drop schema public cascade; create schema public;" + SCHEMA)
    stands_alone = "concurrently" in statement or statement.startswith("vacuum")
    (migration,) = load_migrations(folder(f"{ALONE if stands_alone else ''}{statement};"))
    (seen,) = judge_files(Watcher(shared_target), [migration]).traced
    assert seen.error is None
    assert f"public.users {lock}" in map(str, seen.locks)
    assert ("public.users" in seen.rewritten) == is_rewritten


def test_every_rule_has_its_cases() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("rule", CASES)
def test_each_rule(base: str, folder: Folder, rule: str) -> None:
    broken, kept = CASES[rule]
    found = [each for each in findings(base, folder(broken)) if each.rule == rule]
    assert found, f"{rule} was not broken"
    assert found[0].severity == ("warning" if found[0].hazard == "style" else "error")
    assert found[0].message
    assert found[0].safer_form
    assert found[0].file == "0001_make_step1.sql"
    assert rule not in {each.rule for each in findings(base, folder(kept))
                        if each.severity != "ignored"}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("select public.purge();", "changing-every-row"),
        ("select public.total();", "unjudged"),
        ("with d as (delete from public.bills returning id) select * from d where id > 1;",
         "changing-every-row"),
        ("set session_replication_role = replica; delete from public.bills;", "changing-every-row"),
        ("do $$ begin set local client_min_messages = error; delete from public.bills; end $$;",
         "changing-every-row"),
        ("alter table public.users disable trigger all;", "dropping-object"),
        ("alter domain public.amount add check (value > 0);", "scanning-table"),
        ("create table public.e partition of public.events for values from ('2020-01-01')"
         " to ('2021-01-01');", "scanning-table"),
        ("drop collation if exists public.nowhere;", "dropping-object"),
        ("set search_path = app, public; create index i on users (visits);",
         "require-concurrent-index-creation"),
    ],
)  # fmt: skip
def test_what_text_hides(base: str, folder: Folder, text: str, rule: str) -> None:
    assert rule in {each.rule for each in findings(base, folder(text))}


def test_what_refers_to_rows_of_the_target_can_be_tried(base: str, folder: Folder) -> None:
    assert findings(base, folder("insert into public.bills values (1, 1, 77);")) == []


def test_a_renamed_table_is_known_by_its_name_before(base: str, folder: Folder) -> None:
    text = "alter table public.bills rename to notes; update public.notes set amount = 1 {};"
    rules = ["renaming-object", "backfill-beside-ddl"]
    found = findings(base, folder(text.format("where id = 1")))
    assert [each.rule for each in found] == sorted(rules)
    assert "public.bills" in {each.table for each in found}
    found = findings(base, folder(text.format("")))
    assert "changing-every-row" in {each.rule for each in found}


def test_the_line_is_that_of_the_statement(base: str, folder: Folder) -> None:
    text = "-- why\n\nselect 1; select 2;\n\n/* ; */\ndrop table\n    public.bills;\n"
    assert [(each.rule, each.line) for each in findings(base, folder(text))] == [
        ("dropping-object", 6)
    ]


def test_locks_block_only_on_big_tables(base: str, folder: Folder) -> None:
    path = folder("create index i on public.users (visits);")
    (found,) = lint_folder(path, base, large_table_bytes=1_000_000_000).findings
    assert (found.table, found.severity) == ("public.users", "warning")


def test_an_ignore_needs_a_reason_and_waives_one_statement(base: str, folder: Folder) -> None:
    waiver = "-- lint: ignore require-concurrent-index-creation it is three in the morning\n"
    text = f"{waiver}create index i on public.users (email);\ncreate index j on public.users (id);"
    first, second = findings(base, folder(text))
    assert (first.severity, first.reason) == ("ignored", "it is three in the morning")
    assert second.severity == "error"
    text = "-- lint: ignore transaction-control I know better\ncommit;"
    assert "error" in {each.severity for each in findings(base, folder(text))}


def test_without_a_database_what_a_file_creates_is_in_use_for_the_next(folder: Folder) -> None:
    path = folder("create table public.one (id integer);", "create index i on public.one (id);")
    (found,) = findings(None, path)
    assert (found.file, found.severity) == ("0002_make_step2.sql", "error")


def test_the_packaged_migrations_are_clean() -> None:
    assert lint(load_migrations(), None, None).findings == ()


def test_which_server_judged_is_said(base: str, each_server: Server, folder: Folder) -> None:
    path = folder("alter table public.users add a integer;")
    (note,) = plan(base, folder=path).notes
    assert note.startswith("judged on a copy on an embedded server, PostgreSQL 18")
    with psycopg.connect(base) as connection:
        version = connection.info.server_version // 10000
    assert (f"the target runs {version}: " in note) == (version != 18)
    with pytest.raises(UsageError, match="the scratch server is the target's own"):
        plan(base, folder=path, scratch_url=each_server.url)


def test_nothing_stays_on_the_scratch_server(
    base: str, scratch_server: Server, folder: Folder
) -> None:
    query = "select datname::text from pg_database union select rolname from pg_roles order by 1"
    role = f"r_{psycopg.conninfo.conninfo_to_dict(base)['dbname']}"
    with psycopg.connect(scratch_server.url) as connection:
        before = connection.execute(query).fetchall()
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"create role {role}")
        connection.execute(f"grant select on public.users to {role}")
    try:
        path = folder(f"create role new_{role}; alter role {role} rename to other_{role};")
        found = lint_folder(path, base, scratch_url=scratch_server.url).findings
        assert [each.rule for each in found] == ["renaming-object"]
        path = folder(
            f"{ALONE}create database left_{role};", f"{ALONE}alter system set work_mem = 64;"
        )
        found = lint_folder(path, base, scratch_url=scratch_server.url).findings
        assert [each.rule for each in found] == ["unjudged", "unjudged"]
    finally:
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(f"drop owned by {role}; drop role {role}")
    with psycopg.connect(scratch_server.url) as connection:
        assert connection.execute(query).fetchall() == before


def test_what_could_not_be_copied_needs_a_waiver(base: str, folder: Folder) -> None:
    with psycopg.connect(base) as connection:
        if not connection.execute(
            "select from pg_available_extensions where name = 'citext'"
        ).fetchone():
            pytest.skip("this server has no extension that the other lacks")
        connection.execute("create extension citext; create table public.odd (v citext)")
    judgement = lint_folder(folder("alter table public.odd add a integer;"), base)
    assert any("not copied" in note and "citext" in note for note in judgement.notes)
    assert [each.rule for each in judgement.findings] == ["unjudged"]


def test_no_operator_of_the_target_judges(base: str, folder: Folder) -> None:
    with psycopg.connect(base) as connection:
        connection.execute(
            "create function public.spy(oid, integer) returns boolean language plpgsql as"
            " 'begin raise exception ''it ran''; end';"
            "create operator public.>= (leftarg = oid, rightarg = integer, function = public.spy)"
        )
    found = findings(base, folder("alter table public.users drop column plan;"))
    assert [each.rule for each in found] == ["dropping-object"]
