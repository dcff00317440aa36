"""The reader role can do what a sync does, and nothing else."""

import re
import shutil
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from sselfie_insights.contract import load_contract
from sselfie_insights.migrate import apply, load_migrations
from tests.conftest import temporary_database
from tests.integration.sync.servers import Server

LIVE = """
create table public.undocumented (id integer primary key);
alter table public.users enable row level security;
alter table public.feedback enable row level security;
"""


@pytest.fixture(scope="module")
def migrated(each_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database; before it got its reader, it was as live ones are."""
    folder = tmp_path_factory.mktemp("migrations")
    names = []
    for migration in load_migrations():
        if migration.name == "create_reader":
            names.append("secure_tables")
            (folder / f"{len(names):04d}_secure_tables.sql").write_text(LIVE)
        names.append(migration.name)
        shutil.copy(migration.path, folder / f"{len(names):04d}_{migration.name}.sql")
    with temporary_database(each_server.url) as url:
        apply(url, folder=folder)
        with psycopg.connect(url) as connection:
            connection.execute("insert into public.users (id) values ('u1'), ('u2')")
        yield url


@pytest.fixture
def reader(migrated: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute("set session authorization sselfie_reader")
        yield connection


def test_reads_every_documented_column_but_secrets(reader: psycopg.Connection) -> None:
    for table in load_contract().values():
        for column in table.columns:
            row = reader.execute(
                "select has_column_privilege(%s, %s, 'select')",
                [f"public.{table.name}", column.name],
            ).fetchone()
            assert row == (not column.is_secret,), f"{table.name}.{column.name}"
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute("select access_token from public.instagram_connections")
    reader.execute("select id, user_id, connected_at from public.instagram_connections")


def test_reads_through_row_level_security(reader: psycopg.Connection) -> None:
    assert reader.execute("select count(*) from public.users").fetchone() == (2,)
    policies = reader.execute(
        "select tablename from pg_policies where policyname = 'sselfie_reader_reads_all' order by 1"
    ).fetchall()
    assert policies == [("feedback",), ("users",)]


def test_reads_tables_without_document_and_tables_to_come(
    migrated: str, reader: psycopg.Connection
) -> None:
    assert reader.execute("select * from public.undocumented").description is not None
    with psycopg.connect(migrated) as owner:
        owner.execute("create table public.made_later (id integer primary key)")
    assert reader.execute("select id from public.made_later").fetchall() == []


def test_writes_nothing(reader: psycopg.Connection) -> None:
    for statement in (
        "insert into public.waitlist (email) values ('x')",
        "update public.users set plan = 'x'",
        "delete from public.users",
        "truncate public.waitlist",
        "create table public.mine (id integer)",
        "select nextval('public.waitlist_id_seq')",
        "select * from sselfie_migrations.history",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute(statement)


def test_settings_of_the_role(migrated: str) -> None:
    with psycopg.connect(migrated) as connection:
        row = connection.execute(
            "select rolcanlogin, rolsuper, rolbypassrls, rolconfig from pg_roles"
            " where rolname = 'sselfie_reader'"
        ).fetchone()
    assert row == (False, False, False, ["default_transaction_read_only=on", "lock_timeout=2s"])


def test_migration_leaves_out_exactly_the_secret_columns() -> None:
    migration = next(m for m in load_migrations() if m.name == "create_reader")
    withheld = set(re.findall(r"attname <> '(\w+)'", migration.path.read_text()))
    secrets = {
        column.name
        for table in load_contract().values()
        for column in table.columns
        if column.is_secret
    }
    assert withheld == secrets


def test_every_foreign_key_has_an_index(migrated: str) -> None:
    with psycopg.connect(migrated) as connection:
        bare = connection.execute(
            """
            select constraints.conrelid::regclass::text, attribute.attname
            from pg_constraint as constraints
            join pg_attribute as attribute
                on attribute.attrelid = constraints.conrelid
                and attribute.attnum = constraints.conkey[1]
            where
                constraints.contype = 'f'
                and not exists (
                    select 1
                    from pg_index as indexes
                    where
                        indexes.indrelid = constraints.conrelid
                        and indexes.indkey[0] = constraints.conkey[1]
                        and indexes.indisvalid
                )
            """
        ).fetchall()
    assert bare == []
