"""What the database calls otherwise: ``doctor`` proposes the lines, and they work as printed."""

import re
from pathlib import Path

import psycopg
import pytest

from sselfie_insights.query import OpenWarehouse
from sselfie_insights.settings import load_settings
from sselfie_insights.setup.doctor import Finding
from sselfie_insights.setup.doctor.source import check_source
from sselfie_insights.sync import sync
from tests.conftest import temporary_database

LINE = re.compile(r"put on top of sselfie\.toml: (\S.*?)(?:; .*)?$")

RENAMED = """
alter table subscriptions
    add state text, add begun_at timestamptz, add plan_name text, add note text;
update subscriptions set state = 'active', note = 'call back';
create type payment_kind as enum ('subscription', 'mystery_box');
create table stripe_payments (
    id integer primary key, payment_type payment_kind, status text, amount_in_cents bigint,
    stripe_payment_id text, payment_date timestamptz, currency text, user_id text
);
insert into stripe_payments values
    (1, 'subscription', 'Succeeded', 100), (2, 'mystery_box', 'succeeded', 100),
    (3, 'mystery_box', 'no word at all', 100), (4, 'subscription', 'COMPLETED', 100);
alter table stripe_payments alter amount_in_cents type numeric(10, 2);
"""


def lines(findings: list[Finding]) -> list[str]:
    parts = ("tables", "columns", "values", "units")
    texts = [finding.remedy for finding in findings if finding.part in parts]
    return [found[1] for text in texts if (found := LINE.search(text))]


def test_the_lines_that_doctor_prints_work_as_they_are(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(source) as connection:
        connection.execute(RENAMED)
        connection.execute("drop policy if exists p on subscriptions")
    monkeypatch.chdir(tmp_path)
    url = f"database_url = '{source}'\n"
    Path("sselfie.toml").write_text(url)
    found = list(check_source(load_settings()))
    proposed = lines(found)
    assert proposed == [
        'columns.subscriptions.status = "state"',
        'columns.stripe_payments.amount_cents = "amount_in_cents"',
        'values.stripe_payments.status = {"COMPLETED" = "succeeded"}',
        'units.stripe_payments.amount_cents = "major"',
    ]
    [unknown] = [f for f in found if f.part == "values" and "mystery_box" in f.detail]
    assert unknown.detail.endswith("undocumented values (rows): mystery_box (2)")
    example = 'values.stripe_payments.payment_type = {"mystery_box" = "subscription"}'
    assert "one_time_session" in unknown.remedy and unknown.remedy.endswith(example)
    shown = "".join(finding.detail + finding.remedy for finding in found)
    assert "no word at all" not in shown, "what somebody typed is not repeated"

    chosen = 'values.stripe_payments.payment_type = {"mystery_box" = "one_time_session"}'
    Path("sselfie.toml").write_text("\n".join([*proposed, chosen, url]))
    settings = load_settings(warehouse=tmp_path / "w.duckdb")
    assert lines(list(check_source(settings))) == []
    sync(settings)
    with OpenWarehouse(settings.warehouse) as warehouse:
        assert warehouse.connection.execute(
            "select status from raw.subscriptions order by id"
        ).fetchall() == [("active",), ("active",)]
        assert warehouse.connection.execute(
            "select sum(amount_cents) from raw.stripe_payments"
        ).fetchall() == [(400,)]


STARTER = """
create table profiles (
    id uuid primary key, email text, role text, stripe_customer_id text, created_at timestamptz,
    deleted_at timestamptz, name text
);
create table "Subscription" (
    id uuid primary key, "userId" uuid, "stripeSubscriptionId" text, "stripePriceId" text,
    status text, created timestamptz, ended_at timestamptz
);
create table "Payment" (
    id uuid primary key, "userId" uuid, "stripePaymentIntentId" text, "stripeInvoiceId" text,
    amount numeric(10, 2), currency text, status text, "createdAt" timestamptz
);
create table products (id text primary key, name text, description text, metadata jsonb);
create table prices (id text primary key, description text, type text, currency text);
"""
"""As starter kits have it; products and prices are nothing of ours."""


def test_tables_and_columns_of_a_starter_kit_are_recognised(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with temporary_database(server) as url:
        with psycopg.connect(url) as connection:
            connection.execute(STARTER)
        Path("sselfie.toml").write_text(f"database_url = '{url}'\n")
        proposed = lines(list(check_source(load_settings())))
        assert proposed == [
            'tables.renamed.users = "profiles"',
            'tables.renamed.stripe_payments = "Payment"',
            'columns.users.display_name = "name"',
            'columns.subscriptions.created_at = "created"',
            'columns.stripe_payments.stripe_payment_id = "stripePaymentIntentId"',
            'columns.stripe_payments.amount_cents = "amount"',
            'units.stripe_payments.amount_cents = "major"',
        ]
        Path("sselfie.toml").write_text("\n".join([*proposed, f"database_url = '{url}'"]))
        assert lines(list(check_source(load_settings()))) == []
