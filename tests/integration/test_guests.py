"""Guests who are written to and then make an account, from the database to the segment's effect."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from sselfie_insights.build import build
from sselfie_insights.cli import app
from sselfie_insights.migrate import apply
from sselfie_insights.query import OpenWarehouse, find_query, load_library, run_query
from sselfie_insights.settings import load_settings
from sselfie_insights.sync import sync
from tests.conftest import temporary_database

GUESTS, BUYERS = 400, 88

_PAYMENTS = """
insert into stripe_payments (
    stripe_payment_id, stripe_customer_id, user_id, amount_cents, currency, status, payment_type,
    product_type, payment_date, created_at, updated_at
) values (%s, %s, %s, %s, 'usd', 'succeeded', %s, %s, %s, %s, %s)
"""


@pytest.mark.slow
def test_guests_who_buy_by_making_an_account_have_reached_the_goal(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 400 guests exported by their Stripe customer 88 join: 88 are counted, in both groups."""
    monkeypatch.chdir(tmp_path)
    with temporary_database(server) as url:
        apply(url)
        session = datetime(2026, 9, 20, 10, tzinfo=UTC)
        pay(url, "one_time", "one_time_session", session, range(GUESTS))
        build_at("2026-10-01", url, tmp_path)
        written = CliRunner().invoke(
            app,
            ["segment", "export", "session_to_membership", "--with-personal-data", "-o", "s.csv",
             "--warehouse", str(tmp_path / "w.duckdb")],
        )  # fmt: skip
        assert written.exit_code == 0
        joined = datetime(2026, 10, 11, 10, tzinfo=UTC)
        with psycopg.connect(url) as connection:
            connection.cursor().executemany(
                "insert into users (id, email, created_at) values (%s, %s, %s)",
                [(f"user-{n}", f"p{n}@studio.no", joined) for n in range(BUYERS)],
            )
        pay(url, "subscription", "sselfie_studio_membership", joined, range(BUYERS), "user-")
        build_at("2026-11-25", url, tmp_path)
    with OpenWarehouse(tmp_path / "w.duckdb") as opened:
        query = find_query("growth/segment_effect", load_library())
        [row] = run_query(opened, query, {}).frame.to_dicts()
    assert row["sent_count"] + row["held_out_count"] == GUESTS
    assert row["held_out_count"] > 0
    assert row["sent_reached_count"] + row["held_out_reached_count"] == BUYERS


def pay(url: str, kind: str, product: str, at: datetime, whom: range, user: str = "") -> None:
    """Add a payment of each guest, with an account where ``user`` begins its name."""
    rows: list[tuple[Any, ...]] = [
        (
            f"{kind}_{n}",
            f"cus_{n}",
            user + str(n) if user else None,
            4900,
            kind,
            product,
            at,
            at,
            at,
        )
        for n in whom
    ]
    with psycopg.connect(url) as connection:
        connection.cursor().executemany(_PAYMENTS, rows)


def build_at(day: str, url: str, folder: Path) -> None:
    settings = load_settings(database_url=url, warehouse=folder / "w.duckdb", as_of=day)
    sync(settings)
    build(settings)
