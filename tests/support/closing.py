"""A business with a month to close: what prepares it, changes it and asks it."""

import json
from datetime import UTC, date, datetime

import duckdb
from typer.testing import CliRunner

from sselfie_insights import __version__
from sselfie_insights.books.closing import (
    close_month,
)
from sselfie_insights.cli import app
from sselfie_insights.diff.closed import record_restatements
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse import closed
from sselfie_insights.warehouse.publish import writable_copy

OCTOBER = date(2026, 10, 1)
ON_TIME = datetime(2026, 11, 15, 13, tzinfo=UTC)
LIABILITY_OF_OCTOBER = 777

PREPARE = f"""
update marts.build_info set version = '{__version__}';
delete from marts.mrr_by_member;
insert into marts.mrr_by_member by name
    select date '2026-10-01' as month, 'user:u1' as customer_key, 'usd' as currency,
        'churn' as movement, 4900 as movement_mrr_cents, 0 as closing_mrr_cents,
        0 as in_grace_mrr_cents, true as is_complete;
delete from marts.payments;
insert into marts.payments by name
    select 'in_' || n as movement_key, 'in_' || n as payment_key, 'payment' as kind,
        date '2026-10-01' as month, date '2026-10-05' as moved_on, 'user:u' || n as customer_key,
        'pro' as product_type, 'usd' as currency, 4900 as gross_cents, 0 as refunded_cents,
        0 as chargeback_cents
    from range(1, 4) as t (n);
"""
REFUND = """
update marts.payments set refunded_cents = 4900 where movement_key = 'in_1';
update marts.revenue_by_month set refunded_cents = refunded_cents + 4900,
    net_cents = net_cents - 4900 where month = date '2026-10-01' and product_type = 'pro';
"""


def close(settings: Settings, **given: object) -> closed.Closing:
    return close_month(settings, OCTOBER, "ann", now=ON_TIME, **given).closing  # type: ignore[arg-type]


def rebuild(settings: Settings, change: str, *, until: str = "2026-11-16 12:00:00") -> None:
    """Publish marts that differ by ``change``, as the build of the next night does."""
    with writable_copy(settings.warehouse) as private:
        with duckdb.connect(private) as db:
            instant = f"timestamp '{until}'"
            db.execute(f"update marts.build_info set as_of = {instant}, synced_at = {instant}")
            db.execute(change)
        record_restatements(private, settings)


Figures = dict[str, tuple[float, float | None, str | None]]


def ask(settings: Settings) -> Figures:
    """Return by measure what was signed, what it is now, and why, of the public query."""
    run = CliRunner().invoke(
        app,
        ["query", "run", "revenue/closed_months", "--format", "json", "--warehouse",
         str(settings.warehouse)],
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    return {
        row["measure"]: (row["closed_value"], row["value_now"], row["cause"])
        for row in json.loads(run.stdout)
        if row["currency"] in ("usd", None)
    }


def restated(settings: Settings) -> Figures:
    return {
        measure: figure
        for measure, figure in ask(settings).items()
        if figure[1] is not None and figure[0] != figure[1]
    }


def ask_marts(settings: Settings, sql: str) -> float:
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        row = db.execute(sql).fetchone()
    assert row is not None
    return float(row[0])
