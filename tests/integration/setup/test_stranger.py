"""A database that knows nothing of our document, from ``doctor`` to right numbers.

It is made as starter kits are: other names, UUIDs, dollars and yen in one column, instants as
milliseconds and as text, words in capitals, no keys, copies of rows, no payment types, no credits.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sselfie_insights.query import OpenWarehouse, find_query, load_library, run_query
from tests.conftest import temporary_database
from tests.integration.setup.test_first_night import proposed

READER = "stranger_reader"

TABLES = f"""
create type "Role" as enum ('USER', 'ADMIN');
create table "User" (
    "id" uuid, "email" text, "name" text, "role" "Role", "passwordHash" text, "createdAt" bigint
);
create table "Subscription" (
    "id" uuid, "userId" uuid, "stripeSubscriptionId" text, "status" text,
    "cancelAtPeriodEnd" text, "createdAt" timestamp(3)
);
create table payments (
    "id" uuid, "userId" uuid, "stripePaymentIntentId" text, "stripeInvoiceId" text,
    "stripeSubscriptionId" text, "amount" numeric(10, 2), "currency" text, "status" text,
    "createdAt" text
);
create table staff_salaries (id int, cents int);
do $$ begin
    create role {READER} login;
exception when duplicate_object then null; end $$;
grant select on "User", "Subscription", payments to {READER};
"""

PEOPLE = ("ann", "bea", "cat", "dee", "eve", "fay")

PAYMENTS = (
    ("ann", "sub_a", "97.00", "USD", "SUCCEEDED", "2026-09-10 10:00:00+00"),
    ("ann", "sub_a", "97.00", "USD", "SUCCEEDED", "2026-10-10 10:00:00+00"),
    ("ann", "sub_a", "97.00", "USD", "SUCCEEDED", "2026-11-10 10:00:00+00"),
    ("bea", "sub_b", "97.00", "USD", "SUCCEEDED", "2026-10-01T10:00:00.000Z"),
    ("bea", "sub_b", "97.00", "USD", "FAILED", "2026-11-01T10:00:00.000Z"),
    ("bea", "sub_b", "97.00", "USD", "COMPLETED", "2026-11-01T12:00:00.000Z"),
    ("cat", "sub_c", "97.00", "USD", "SUCCEEDED", "1785924000"),  # 5 August 2026, 10:00 UTC
    ("cat", "sub_c", "97.00", "USD", "SUCCEEDED", "1788602400000"),  # 5 September 2026, 10:00 UTC
    ("dee", "sub_d", "9800.00", "JPY", "SUCCEEDED", "2026-10-20 10:00:00+00"),
    ("eve", None, "45.50", "USD", "SUCCEEDED", "2026-11-02 10:00:00+00"),
)
"""Who paid, for which subscription, how much, and when; on 14 November three are members."""


@pytest.fixture
def stranger(server: str) -> Iterator[str]:
    """Its connection string, for a role that may read three of the four tables."""
    with temporary_database(server) as url:
        with psycopg.connect(url) as connection:
            connection.execute(TABLES)
            for number, name in enumerate(PEOPLE):
                key = f"00000000-0000-4000-8000-{number:012}"
                user = [key, f"{name}@studio.no", name.title(), 1785500000000 + number]
                connection.execute(
                    """insert into "User" values (%s, %s, %s, 'USER', '$2b$10$x', %s)""", user
                )
            connection.execute("""insert into "User" select * from "User" where "name" = 'Ann'""")
            for number, (name, subscription, *money) in enumerate(PAYMENTS):
                owner = f"00000000-0000-4000-8000-{PEOPLE.index(name):012}"
                ids = [owner, f"pi_{number}", f"in_{number}", subscription]
                connection.execute(
                    "insert into payments values (gen_random_uuid(), %s, %s, %s, %s, %s, %s, %s,"
                    " %s)",
                    [*ids, *money],
                )
                if subscription:
                    connection.execute(
                        """insert into "Subscription" select gen_random_uuid(), %s, %s, %s, 'no',"""
                        " '2026-08-01' where not exists (select from"
                        """ "Subscription" where "stripeSubscriptionId" = %s)""",
                        [owner, subscription, "CANCELED" if name == "cat" else "Active",
                         subscription],
                    )  # fmt: skip
            connection.execute("insert into payments select * from payments where amount = 45.50")
        try:
            yield make_conninfo(url, user=READER)
        finally:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"drop owned by {READER}; drop role {READER}")


@pytest.mark.slow
def test_the_lines_that_doctor_prints_lead_to_right_numbers(stranger: str, tmp_path: Path) -> None:
    """Counted by hand: six people, three members, two currencies."""

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "sselfie_insights", *words],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "SSELFIE_DATABASE_URL": stranger,
                "SSELFIE_AS_OF": "2026-11-14",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    first = run("init")
    assert first.returncode == 0, first.stderr
    assert f"role {READER} may not read public.staff_salaries, left out" in first.stderr
    lines = proposed(run("doctor").stdout)
    assert lines == [
        'tables.renamed.stripe_payments = "payments"',
        'columns.users.display_name = "name"',
        'columns.stripe_payments.stripe_payment_id = "stripePaymentIntentId"',
        'columns.stripe_payments.amount_cents = "amount"',
        'values.stripe_payments.status = {"COMPLETED" = "succeeded"}',
        'units.stripe_payments.amount_cents = "major"',
    ]
    settings = tmp_path / "sselfie.toml"
    settings.write_text("\n".join([*lines, settings.read_text()]))

    done = run("run")
    assert done.returncode == 0, done.stderr
    assert "could not be made" not in done.stderr and "Traceback" not in done.stderr
    library = load_library()
    with OpenWarehouse(tmp_path / "warehouse.duckdb") as warehouse:
        revenue = run_query(warehouse, find_query("revenue/revenue_by_month", library)).frame
        movements = run_query(warehouse, find_query("revenue/mrr_movements", library)).frame
        users = warehouse.connection.execute("select count(*) from marts.dim_users").fetchall()
        tokens = warehouse.connection.execute('select "passwordHash" from raw.users').fetchall()
    cents: dict[tuple[date, str], int] = {}
    for month, currency, gross in revenue.select("month", "currency", "gross_cents").rows():
        cents[month, currency] = cents.get((month, currency), 0) + gross
    assert {key: value for key, value in cents.items() if value} == {
        (date(2026, 8, 1), "usd"): 9700,
        (date(2026, 9, 1), "usd"): 19400,
        (date(2026, 10, 1), "usd"): 19400,
        (date(2026, 10, 1), "jpy"): 9800,
        (date(2026, 11, 1), "usd"): 23950,
    }
    november = movements.filter(movements["month"] == date(2026, 11, 1))
    assert {
        row["currency"]: (row["closing_mrr_cents"], row["member_count"])
        for row in november.to_dicts()
    } == {"usd": (19400, 2), "jpy": (9800, 1)}
    assert users == [(6,)]
    assert set(tokens) == {(None,)}, "what looks like a credential stays in Postgres"

    overview = run("report", "show", "overview")
    assert overview.returncode == 0 and overview.stderr == ""
    assert "Credits used" in overview.stdout
    assert "not known: the source lacks credit_transactions" in overview.stdout
