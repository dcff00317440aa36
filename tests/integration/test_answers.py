"""The public queries against the answer key, which comes from the simulation's events."""

from datetime import timedelta

import polars as pl

from sselfie_insights.explain import explain
from sselfie_insights.query import load_library, open_warehouse, read_stamp
from tests.answers import KEYS, VARIANTS, list_differences
from tests.integration.conftest import Business


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
    with open_warehouse(business.settings.warehouse) as connection:
        stamp = read_stamp(connection)
        months = connection.execute("select month from marts.dim_months order by 1").fetchall()
        for name, (answer, time, column) in keys.items():
            truth = business.answers.frames[answer]
            if "currency" not in truth.columns:
                truth = truth.with_columns(pl.lit("").alias("currency"))
            values = {(row["currency"], row[time]): row[column] for row in truth.to_dicts()}
            for (month,) in months[1::3] + months[-2:]:
                before = (month - timedelta(days=1)).replace(day=1)
                parts = explain(
                    connection, stamp, name, f"{month:%Y-%m}", first=3, library=library
                ).parts
                for (currency, _), group in parts.group_by("currency", "dimension"):
                    expected = values.get((currency, month), 0) - values.get((currency, before), 0)
                    assert group["change"].sum() == expected
                    checked += 1
    assert checked > 4 * 6 * 6
