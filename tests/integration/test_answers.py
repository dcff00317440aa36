"""The public queries against the answer key, which comes from the simulation's events."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from sselfie_insights.diff import compare
from sselfie_insights.explain import explain
from sselfie_insights.query import OpenWarehouse, load_library
from tests.integration.conftest import Business
from tests.support.answers import KEYS, VARIANTS, list_differences
from tests.support.models import ZONE, run_in_duckdb


def test_every_number_equals_the_answer_key(business: Business) -> None:
    assert list_differences(business.answers, business.settings.warehouse) == []


def test_the_answer_key_asks_something_of_every_query(business: Business) -> None:
    asked = {VARIANTS.get(name, (name, {}))[0] for name in business.answers.frames}
    assert asked == set(KEYS)
    empty = [name for name, frame in business.answers.frames.items() if frame.is_empty()]
    assert empty == []


def test_a_wrong_number_would_be_found(business: Business) -> None:
    movements = business.answers["revenue/mrr_movements"]
    wrong = movements.with_columns(pl.col("closing_mrr_cents") + 1)
    answers = type(business.answers)({"revenue/mrr_movements": wrong})
    assert any(
        "closing_mrr_cents" in line
        for line in list_differences(answers, business.settings.warehouse)
    )


def test_every_change_is_explained_to_the_cent(business: Business) -> None:
    """Every measure and dimension adds up to the answer key: in every third month, and the last."""
    keys = {
        "mrr": ("revenue/mrr_movements", "month", "closing_mrr_cents"),
        "churn": ("churn/churn_by_month", "month", "churned_member_count"),
        "active_users": ("engagement/active_users", "period", "active_count"),
        "credits": ("credits/credit_flow_by_month", "month", "used_credits"),
    }
    checked, library = 0, load_library()
    with OpenWarehouse(business.settings.warehouse) as opened:
        months = opened.connection.execute(
            "select month from marts.dim_months order by 1"
        ).fetchall()
        for name, (answer, time, column) in keys.items():
            truth = business.answers.frames[answer]
            if "currency" not in truth.columns:
                truth = truth.with_columns(pl.lit("").alias("currency"))
            values = {(row["currency"], row[time]): row[column] for row in truth.to_dicts()}
            for (month,) in months[1::3] + months[-2:]:
                before = (month - timedelta(days=1)).replace(day=1)
                parts = explain(opened, name, f"{month:%Y-%m}", first=3, library=library).parts
                for (currency, _), group in parts.group_by("currency", "dimension"):
                    expected = values.get((currency, month), 0) - values.get((currency, before), 0)
                    assert group["change"].sum() == expected
                    checked += 1
    assert checked > 4 * 6 * 6


LATE = """
    insert into raw.stripe_payments by name
    select
        (select max(id) from raw.stripe_payments) + number as id,
        'pi_late_' || number as stripe_payment_id, 'cus_late' as stripe_customer_id,
        5000 as amount_cents, 'usd' as currency, 'succeeded' as status,
        kind as payment_type, 'one_time_session' as product_type,
        'in_late' as stripe_invoice_id, paid_at as payment_date, false as is_test_mode,
        paid_at as created_at, paid_at as updated_at
    from (values
        (1, 'one_time_session', timestamptz '2026-09-20 10:00:00+00'),
        (2, 'refund', timestamptz '2026-10-05 10:00:00+00')
    ) as late (number, kind, paid_at)
"""
"""A payment of September that came in late, and its refund of October."""


@pytest.mark.parametrize("business", [1], indirect=True)
def test_what_came_in_late_is_the_only_restatement(business: Business, tmp_path: Path) -> None:
    before, after = business.settings.warehouse, tmp_path / "after.duckdb"
    shutil.copyfile(before, after)
    with duckdb.connect(after) as connection:
        connection.execute(LATE)
    run_in_duckdb(before, after, ZONE)

    found = compare(business.settings, before, after)

    assert found.remarks == ()
    printed = {
        (number.query, number.first_on, number.column, number.after - number.before, each.causes)
        for each in found.restatements
        for number in (each.number,)
        if number.after is not None and number.before is not None and number.unit == "cents"
    }
    september, october = (
        {
            (f"revenue/revenue_{kind}", on, column, cents, (cause,))
            for kind in ("by_month", "totals")
            for column, cents in changes.items()
        }
        for on, cause, changes in (
            (date(2026, 9, 1), "late row", {"gross_cents": 5000, "net_cents": 5000}),
            (date(2026, 10, 1), "refund", {"refunded_cents": 5000, "net_cents": -5000}),
        )
    )
    assert {each for each in printed if each[0].startswith("revenue/revenue_")} == (
        september | october
    )
    assert {(row.mart, row.customer_key, row.change, row.cause) for row in found.rows} == {
        ("payments", "stripe:cus_late", "added", cause) for cause in ("late row", "refund")
    }
