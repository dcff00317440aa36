"""Databases that cannot be migrated, or not so: rights, passwords, standbys, poolers."""

import psycopg
import pytest

from sselfie_insights.errors import MigrationError, SourceError, UsageError
from sselfie_insights.migrate import apply, plan
from sselfie_insights.migrate.session import refuse_what_cannot_migrate
from sselfie_insights.postgres import connect
from tests.integration.migrate.conftest import Cluster, Folder
from tests.integration.migrate.databases import rows, tables


def test_a_broken_connection(database: str, folder: Folder) -> None:
    path = folder("create table public.one ();\nselect pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(SourceError, match="the connection broke"):
        apply(database, folder=path)
    assert tables(database) == []


def test_a_role_without_rights(target: str, folder: Folder) -> None:
    name = psycopg.conninfo.conninfo_to_dict(target)["dbname"]
    with psycopg.connect(target, autocommit=True) as admin:
        admin.execute(f"create role r_{name} login password 'p'")
    try:
        weak = psycopg.conninfo.make_conninfo(target, user=f"r_{name}", password="p")
        with pytest.raises(MigrationError, match="permission denied") as caught:
            apply(weak, folder=folder("create table public.one (id integer);"))
        assert "sselfie_migrations" in caught.value.remedy
        assert tables(target) == []
    finally:
        with psycopg.connect(target, autocommit=True) as admin:
            admin.execute(f"drop role r_{name}")


def test_a_standby_is_refused_and_can_be_looked_at(cluster15: Cluster, folder: Folder) -> None:
    path = folder("create table public.one (id integer);")
    standby = cluster15.create_standby()
    with pytest.raises(MigrationError, match="is a standby"):
        apply(standby, folder=path)
    assert [migration.version for migration in plan(standby, folder=path).pending] == [1]


def test_the_runner_names_itself(database: str, folder: Folder) -> None:
    path = folder("create table public.who as select current_setting('application_name') as name;")
    apply(database, folder=path)
    assert rows(database, "select name from public.who") == [("sselfie migrate",)]


def test_a_pooler_is_refused(database: str) -> None:
    with (
        connect(database, autocommit=True) as connection,
        pytest.raises(UsageError, match="direct"),
    ):
        refuse_what_cannot_migrate(connection, "postgresql://me@ep-cool-pooler.eu.neon.tech/db")
