"""A live database: nothing changes unasked, and what others built is adopted."""

import psycopg
import pytest

from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate import (
    apply,
    baseline,
    lint_folder,
    load_migrations,
    plan,
    read_status,
)
from sselfie_insights.migrate.catalog import fingerprint, read_catalog
from sselfie_insights.migrate.status import UNKNOWN
from tests.integration.migrate.conftest import Folder
from tests.integration.migrate.databases import keep
from tests.integration.sync.servers import Server


def whole_catalog(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        schemas = [
            name
            for (name,) in connection.execute(
                "select nspname from pg_namespace where nspname !~ '^pg_' order by 1"
            )
            if name != "information_schema"
        ]
        history = []
        if "sselfie_migrations" in schemas:
            history = connection.execute(
                "select * from sselfie_migrations.history order by version"
            ).fetchall()
        return fingerprint(read_catalog(connection, schemas)) + repr((schemas, history))


def test_looking_changes_nothing(target: str, scratch_server: Server, folder: Folder) -> None:
    path = folder(
        "create table public.one (id integer);",
        "-- migrate: no-transaction\ncreate index concurrently i on public.one (id);",
        "drop table public.one;",
    )
    for to in (None, 1):
        if to is not None:
            apply(target, folder=path, to=to)
        before = whole_catalog(target)
        found = plan(target, folder=path)
        assert [migration.version for migration in found.pending] == [1, 2, 3][to or 0 :]
        lint_folder(path, target, everything=True)
        status = read_status(target, folder=path, scratch_url=scratch_server.url)
        assert len(status.steps) == 3
        assert bool(found.traced) == (to is not None)  # an empty database is not copied
        assert whole_catalog(target) == before


MIGRATIONS = load_migrations()
TABLES = next(m.version for m in MIGRATIONS if m.name == "create_other_tables")
"""The last migration that only makes the documented tables, as an application has them."""

LIVE = """
alter table public.subscriptions rename column plan_name to plan;
alter table public.feedback drop column id;
alter table public.feedback add column id uuid primary key default gen_random_uuid();
alter table public.users add column referral text;
drop table public.daily_captures;
create table public.email_logs (id integer primary key);
"""


@pytest.fixture
def live(target: str) -> str:
    """The documented tables as somebody else applied them, changed as live databases are."""
    apply(target, to=TABLES)
    with psycopg.connect(target) as connection:
        connection.execute(LIVE)
        connection.execute("drop schema sselfie_migrations cascade")
    return target


def test_baseline(live: str, scratch_server: Server) -> None:
    with pytest.raises(MigrationError, match=f"does not cover {TABLES:04d}: 2 missing") as caught:
        baseline(live, TABLES, scratch_url=scratch_server.url)
    assert "column public.subscriptions.plan_name, table public.daily_captures" in str(caught.value)
    assert "--accept-differences" in caught.value.remedy
    with psycopg.connect(live) as connection:
        row = connection.execute("select to_regnamespace('sselfie_migrations')").fetchone()
    assert row == (None,), "a refusal leaves nothing behind"

    differences = baseline(live, TABLES, scratch_url=scratch_server.url, accept_differences=True)
    printed = {(str(difference.identity), difference.change) for difference in differences}
    assert printed == {
        ("column public.subscriptions.plan_name", "missing"),
        ("column public.subscriptions.plan", "extra"),
        ("column public.feedback.id", "changed"),
        ("column public.users.referral", "extra"),
        ("table public.daily_captures", "missing"),
        ("table public.email_logs", "extra"),
    }
    with pytest.raises(MigrationError, match="has a history"):
        baseline(live, TABLES, scratch_url=scratch_server.url)

    # What is adopted is no drift, and the rest applies to what is there.
    status = read_status(live)
    states = [step.state for step in status.steps]
    adopted, rest = ["baseline"] * TABLES, MIGRATIONS[TABLES:]
    assert states == adopted + ["pending"] * len(rest)
    assert status.drift == ()
    assert {row.texts[1] for row in status.differences} == {UNKNOWN}
    notes: list[str] = []
    apply(live, note=keep(notes))
    skipped = [note for note in notes if "skipped" in note]
    assert len(skipped) == 1
    assert "daily_captures" in skipped[0]
    states = [step.state for step in read_status(live).steps]
    assert states == adopted + ["applied"] * len(rest)


def test_status_compares_three_ways(live: str, scratch_server: Server) -> None:
    found = {str(row.identity): row.texts for row in read_status(live).differences}
    assert found["table public.daily_captures"] == ("table", UNKNOWN, None)
    assert found["column public.subscriptions.plan"] == (None, UNKNOWN, "text")
    assert found["column public.feedback.id"][1] == UNKNOWN

    status = read_status(live, scratch_url=scratch_server.url)
    built = {str(row.identity): row.texts for row in status.differences}
    serial = "integer not null default nextval('public.feedback_id_seq'::regclass)"
    uuid = "uuid not null default gen_random_uuid()"
    assert built["column public.feedback.id"] == (serial, serial, uuid)
    assert built.keys() == found.keys()


def test_contract_migrations_and_database_agree(database: str) -> None:
    apply(database)
    status = read_status(database)
    assert status.differences == ()
    assert status.drift == ()
    assert {step.state for step in status.steps} == {"applied"}


def test_status_tells_drift(database: str) -> None:
    apply(database)
    with psycopg.connect(database) as connection:
        connection.execute("alter table public.users alter column plan set default 'none'")
        connection.execute("grant select on public.users to public")
    drift = [str(difference) for difference in read_status(database).drift]
    assert drift[0] == (
        "column public.users.plan: text default 'free'::text → text default 'none'::text"
    )
    assert any(line.startswith("grants public.users: ") for line in drift)
    assert len(drift) == 2


def test_adoption_knows_no_other_version(database: str) -> None:
    with pytest.raises(Exception, match="there is no migration 0099"):
        baseline(database, 99)
