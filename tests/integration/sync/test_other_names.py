"""Sources that call things otherwise than their document: ``[tables]`` and ``[columns]``."""

from sselfie_insights.clock import write_instant
from tests.integration.sync.conftest import BOTH_SERVERS, Bench

RENAMED = {"columns": {"subscriptions": {"status": "state", "user_id": "Owner Id"}}}

TABLES = (
    'create table subscriptions (id int primary key, "Owner Id" text, state text, status text)',
    "create table instagram_connections (id int primary key, token text)",
    "create table audit_log (id int primary key, body text)",
    "insert into subscriptions values (1, 'ann', 'active', 'old'), (2, 'bea', 'canceled', 'old')",
    "insert into instagram_connections values (1, 'hunter2')",
    "insert into audit_log values (1, 'x')",
)


@BOTH_SERVERS
def test_a_renamed_column_has_its_documented_name_in_the_mirror(bench: Bench) -> None:
    bench.pg(*TABLES)
    bench.sync(settings=RENAMED)
    # What lost its name to another is kept, under a name of its own.
    query = "select id, user_id, status, status__2 from raw.subscriptions order by id"
    assert bench.ask(query) == [(1, "ann", "active", "old"), (2, "bea", "canceled", "old")]
    drift = bench.ask(
        "select column_name, detail from meta.contract_drift"
        " where table_name = 'subscriptions' and kind = 'column renamed' order by all"
    )
    assert drift == [
        ("status", "is state in the source"),
        ("user_id", "is Owner Id in the source"),
    ]
    assert bench.sync(settings=RENAMED).mode == "unchanged"
    bench.pg("update subscriptions set state = 'past_due' where id = 2")
    report = bench.sync(settings=RENAMED, verify=True)
    assert bench.modes(report)["subscriptions"] == "incremental"
    assert {table.verification for table in report.tables} == {"equal"}
    assert bench.ask("select status from raw.subscriptions where id = 2") == [("past_due",)]


def test_names_that_are_spelled_alike_need_no_setting(newest: Bench) -> None:
    """Prisma's ``User`` with ``createdAt``; of two tables that would do neither is taken."""
    newest.pg(
        'create table "User" (id uuid primary key, "createdAt" timestamp, email text)',
        'create table "Subscription" (id int primary key, "userId" uuid)',
        'create table "SUBSCRIPTIONS" (id int primary key)',
        'create table "Payment" (id int primary key, "Amount" int, "accessToken" text)',
        'create table "InstagramConnections" (id int primary key, "accessToken" text)',
        """insert into "User" values (gen_random_uuid(), '2026-01-02', 'a@example.org')""",
        'insert into "Payment" values (1, 9700)',
        """insert into "InstagramConnections" values (1, 'hunter2')""",
    )
    renamed = {"tables": {"renamed": {"stripe_payments": "Payment"}}}
    newest.sync(settings=renamed | {"columns": {"stripe_payments": {"amount_cents": "Amount"}}})
    assert newest.ask("select created_at::date::text, email from raw.users") == [
        ("2026-01-02", "a@example.org")
    ]
    assert newest.ask("select amount_cents from raw.stripe_payments") == [(9700,)]
    assert newest.ask("select access_token from raw.instagram_connections") == [(None,)]
    assert newest.ask(
        "select table_name, detail from meta.contract_drift where kind = 'table renamed'"
        " order by all"
    ) == [
        ("instagram_connections", "is InstagramConnections in the source"),
        ("stripe_payments", "is Payment in the source"),
        ("users", "is User in the source"),
    ]
    assert newest.ask(
        "select kind from meta.contract_drift where table_name = 'subscriptions'"
    ) == [("table missing",)]
    newest.pg("""update "User" set email = 'b@example.org'""")
    report = newest.sync(settings=renamed, verify=True)
    assert {table.verification for table in report.tables} == {"equal"}
    newest.pg('drop table "User"')
    newest.sync(settings=renamed)
    assert newest.ask("select kind from meta.contract_drift where table_name = 'users'") == [
        ("table gone",)
    ]


def test_a_name_taken_back_reads_the_table_again(newest: Bench) -> None:
    newest.pg(*TABLES)
    newest.sync(settings=RENAMED)
    report = newest.sync()
    [table] = [table for table in report.tables if table.name == "subscriptions"]
    assert (table.mode, table.reason) == ("full", "a column got another name in the mirror")
    assert newest.ask("select state, status from raw.subscriptions where id = 1") == [
        ("active", "old")
    ]


def test_a_renamed_secret_stays_in_postgres(newest: Bench) -> None:
    newest.pg(*TABLES)
    newest.sync(settings={"columns": {"instagram_connections": {"access_token": "token"}}})
    assert newest.ask("select access_token from raw.instagram_connections") == [(None,)]


def test_a_name_that_the_source_has_not_either_is_missing(newest: Bench) -> None:
    newest.pg("create table users (id text primary key)")
    newest.sync(settings={"columns": {"users": {"email": "mail"}}})
    assert newest.ask(
        "select kind from meta.contract_drift where table_name = 'users' and column_name = 'email'"
    ) == [("column missing",)]


def test_tables_that_are_left_out_are_not_looked_at(newest: Bench) -> None:
    newest.pg(*TABLES)
    newest.sync()
    left = {"tables": {"leave_out": ["audit_*", "public.instagram_connections"]}}
    newest.pg("alter table audit_log enable row level security")
    report = newest.sync(settings=left)
    modes = newest.modes(report)
    assert (modes["audit_log"], modes["instagram_connections"]) == ("dropped", "dropped")
    assert newest.ask("select table_name from duckdb_tables() where schema_name = 'raw'") == [
        ("subscriptions",)
    ]
    reason = "left out by [tables] in sselfie.toml"
    assert set(
        newest.ask(
            "select table_name, kind, detail from meta.contract_drift"
            " where table_name in ('audit_log', 'instagram_connections')"
        )
    ) == {
        ("audit_log", "not mirrored", reason),
        ("instagram_connections", "table left out", f"documented, and {reason}"),
    }
    assert newest.ask("select count(*) from meta.schema_changes") == [(0,)]
    assert newest.sync(settings=left).mode == "unchanged"


def test_what_an_earlier_sync_still_found_is_gone_since_then(newest: Bench) -> None:
    newest.pg(
        "create table users (id text primary key, email text)", "create table waitlist (id int)"
    )
    first = newest.sync()
    newest.pg("alter table users drop email", "drop table waitlist")
    query = (
        "select table_name, column_name, detail from meta.contract_drift"
        " where kind in ('column gone', 'table gone') order by all"
    )
    since = write_instant(first.snapshot_at)
    for _ in range(2):  # the next sync does not make it later
        newest.sync()
        assert newest.ask(query) == [("users", "email", since), ("waitlist", None, since)]
    newest.pg("alter table users add mail text")
    newest.sync(settings={"columns": {"users": {"email": "mail"}}})
    assert newest.ask(query) == [("waitlist", None, since)]
