"""What lint says of locks and rewrites is what PostgreSQL 15 and 18 do."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sselfie_insights.errors import MigrationError, UsageError
from sselfie_insights.migrate import apply, load_migrations, trace
from sselfie_insights.migrate.lint import lint
from sselfie_insights.migrate.tables import read_live_tables
from sselfie_insights.migrate.tracing import Traced, copy_schema, trace_migrations
from sselfie_insights.migrate.types import rewrites
from tests.conftest import temporary_database
from tests.integration.migrate.conftest import Folder
from tests.integration.sync.servers import Server

SCHEMA = """
create table public.plans (id integer primary key, name text);
create table public.users (
    id integer primary key, email text, plan varchar(10), visits integer, price numeric(10, 2)
);
create index users_email_idx on public.users (email);
create materialized view public.totals as select count(*) as n from public.users;
create table public.events (id integer, at date) partition by range (at);
create table public.events_old (id integer, at date);
create function public.note() returns trigger language plpgsql as 'begin return new; end';
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
    ("alter table public.users set unlogged", EXCLUSIVE, True),
    ("cluster public.users using users_email_idx", EXCLUSIVE, True),
    ("vacuum full public.users", EXCLUSIVE, True),
    ("reindex table public.users", SHARE, False),
    ("reindex table concurrently public.users", UPDATE_EXCLUSIVE, False),
    ("create trigger t after insert on public.users execute function public.note()",
     ROW_EXCLUSIVE, False),
    ("lock table public.users in share mode", SHARE, False),
    ("alter table public.events attach partition public.events_old for values from ('2020-01-01')"
     " to ('2021-01-01')", None, False),
    ("truncate public.users", EXCLUSIVE, True),
]  # fmt: skip

# Findings that claim a rewrite, and those that claim that others wait.
REWRITING = {
    "adding-field-with-default",
    "adding-serial-field",
    "changing-column-type",
    "clustering-table",
    "setting-logged",
    "truncating-table",
    "vacuum-full",
}
BLOCKING = {EXCLUSIVE, SHARE, ROW_EXCLUSIVE}


def text_of(statement: str) -> str:
    stands_alone = "concurrently" in statement or statement.startswith("vacuum")
    return (ALONE if stands_alone else "") + statement + ";"


def trace_one(url: str, path: Path, version: int) -> Traced:
    (traced,) = trace_migrations(url, [load_migrations(path)[version - 1]])
    return traced


@pytest.fixture(scope="module")
def shared_target(each_server: Server) -> Iterator[str]:
    with temporary_database(each_server.url) as url:
        yield url


@pytest.mark.parametrize(("statement", "lock", "is_rewritten"), CLAIMS)
def test_lint_and_trace_agree(
    shared_target: str, folder: Folder, statement: str, lock: str | None, is_rewritten: bool
) -> None:
    target = shared_target
    with psycopg.connect(target) as connection:
        connection.execute("drop schema public cascade; create schema public;" + SCHEMA)
    path = folder(text_of(statement))
    with psycopg.connect(target, autocommit=True) as connection:
        live = read_live_tables(connection, ("public",))
    findings = lint(load_migrations(path), live, large_table_bytes=0)

    traced = trace_one(target, path, 1)
    assert traced.error == ""
    assert ("public.users" in traced.rewritten) == is_rewritten
    modes = {taken.mode for taken in traced.locks if taken.table == "public.users"}
    if lock is not None:
        assert lock in modes
    claims_rewrite = any(finding.rule in REWRITING for finding in findings)
    assert claims_rewrite == is_rewritten
    if any(finding.hazard == "lock" for finding in findings) and lock is not None:
        assert modes & BLOCKING
    if is_rewritten:
        assert any(finding.severity == "error" for finding in findings)


TYPES = ["varchar(10)", "varchar(20)", "varchar", "text", "char(10)", "smallint", "integer",
         "bigint", "numeric(10,2)", "numeric(12,2)", "numeric(12,4)", "numeric", "real",
         "double precision", "date", "timestamp", "timestamptz", "json", "jsonb", "cidr",
         "inet"]  # fmt: skip


def test_type_changes_rewrite_as_we_say(target: str) -> None:
    tried = 0
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("set timezone = 'Europe/Oslo'")
        for before, after in itertools.permutations(TYPES, 2):
            connection.execute(f"create table public.t (c {before})")
            row = connection.execute("select pg_relation_filenode('public.t')").fetchone()
            try:
                connection.execute(f"alter table public.t alter c type {after}")
            except psycopg.errors.DatatypeMismatch:
                pass
            else:
                tried += 1
                changed = (
                    connection.execute("select pg_relation_filenode('public.t')").fetchone() != row
                )
                assert rewrites(before, after) == changed, f"{before} to {after}"
            connection.execute("drop table public.t")
    assert tried > 150


def test_trace_runs_on_a_copy_and_leaves_the_target_alone(
    each_server: Server, scratch_server: Server, folder: Folder
) -> None:
    path = folder(
        SCHEMA, "alter table public.users alter column visits type bigint;", "select wrong;"
    )
    with temporary_database(each_server.url) as target:
        apply(target, folder=path, to=1)
        found = trace(target, folder=path, scratch_url=scratch_server.url)
        assert found.not_copied == ()
        second, third = found.statements
        assert second.rewritten == ("public.users",)
        assert ("public.users", EXCLUSIVE) in {(lock.table, lock.mode) for lock in second.locks}
        assert 'column "wrong" does not exist' in third.error
        with psycopg.connect(target) as connection:
            row = connection.execute("select pg_typeof(visits) from public.users").fetchone()
        assert row is None
        with pytest.raises(UsageError, match="the scratch server is the target's own"):
            trace(target, folder=path, scratch_url=each_server.url)
    with psycopg.connect(scratch_server.url) as connection:
        left = connection.execute(
            "select datname from pg_database where datname like 'sselfie_scratch_%'"
        ).fetchall()
    assert left == []


def test_trace_goes_on_where_a_file_stopped_and_passes_over_what_it_skips(
    target: str, scratch_server: Server, folder: Folder
) -> None:
    path = folder(
        "create table public.one (id integer);",
        "-- migrate: no-transaction\n-- migrate: skip-missing\n"
        "create table public.two (id integer);\n"
        "select 1 / 0;\n"
        "create index concurrently i on public.nowhere (id);\n"
        "create index concurrently j on public.one (id);\n",
    )
    with pytest.raises(MigrationError, match="division by zero"):
        apply(target, folder=path)
    file = path / "0002_make_step2.sql"
    file.write_text(file.read_text().replace("1 / 0", "1 / 1"))
    found = trace(target, folder=path, scratch_url=scratch_server.url)
    assert [(traced.line, traced.is_skipped) for traced in found.statements] == [
        (4, False),
        (5, True),
        (6, False),
    ]
    assert "does not exist" in found.statements[1].error
    assert [lock.table for lock in found.statements[2].locks] == ["public.one"]


def test_the_copy_is_faithful(target: str, scratch_server: Server) -> None:
    with temporary_database(scratch_server.url) as scratch:
        with psycopg.connect(target) as connection:
            connection.execute(SCHEMA)
            extension = connection.execute(
                "select name from pg_available_extensions where name = 'pgcrypto'"
            ).fetchone()
            if extension is not None:
                connection.execute("create extension pgcrypto")
        not_copied = copy_schema(target, scratch)
        # The server from the package registry has no such extension.
        assert ["pgcrypto" in failure for failure in not_copied] == [True] * len(not_copied)
        assert bool(not_copied) == (extension is not None)
        query = """
            select class.relname, attribute.attname, format_type(atttypid, atttypmod)
            from pg_class as class
            join pg_attribute as attribute on attribute.attrelid = class.oid
            where class.relnamespace = 'public'::regnamespace and attnum > 0
            order by 1, attnum
        """
        with psycopg.connect(target) as one, psycopg.connect(scratch) as other:
            assert one.execute(query).fetchall() == other.execute(query).fetchall()
