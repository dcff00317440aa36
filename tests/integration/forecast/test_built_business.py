"""The forecasts that a build leaves in the warehouse, against the marts and the answer key."""

import shutil
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from sselfie_insights.forecast import write_forecasts
from sselfie_insights.forecast.step import SCHEMAS
from sselfie_insights.simulate.catalog import TEAM
from tests.integration.conftest import Business

pytestmark = pytest.mark.parametrize("business", [1], indirect=True)


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_build_leaves_every_table(business: Business) -> None:
    names = ask(
        business.settings.warehouse,
        "select table_name from information_schema.tables where table_schema = 'forecast'",
    )
    assert {name for (name,) in names} == set(SCHEMAS)


def test_every_member_now_has_a_value_and_a_risk(business: Business) -> None:
    truth = business.answers["churn/members_now"]
    here = truth.filter(truth["state"] != "in_grace")
    keys = set(here["customer_key"])
    warehouse = business.settings.warehouse
    valued = ask(warehouse, "select customer_key, mrr_cents from forecast.ltv_by_member")
    assert sorted(valued) == sorted(here.select("customer_key", "mrr_cents").rows())
    assert {
        key for (key,) in ask(warehouse, "select customer_key from forecast.churn_risk")
    } == keys


def test_memberships_and_losses_are_those_that_happened(business: Business) -> None:
    """New members and returns begin a membership; every loss that no return undid ends one."""
    churn = business.answers["churn/churn_by_month"]
    settled = churn.filter(churn["is_complete"])
    begun = int(settled["new_member_count"].sum() + settled["reactivated_count"].sum())
    gone = int(settled["churned_member_count"].sum())
    ((n, lost),) = ask(
        business.settings.warehouse,
        "select n, lost_count from forecast.survival_models where scope = 'all'",
    )
    # Who leaves and returns between two month ends never was away at one: at most a few.
    assert begun - 3 <= n <= begun
    assert gone - 3 <= lost <= gone


def test_projections_begin_at_the_last_settled_month(business: Business) -> None:
    movements = business.answers["revenue/mrr_movements"]
    last = movements.filter(movements["is_complete"])["month"].max()
    rows = ask(
        business.settings.warehouse,
        "select distinct currency, origin_month, origin_mrr_cents from forecast.mrr_projection",
    )
    closing = movements.filter(movements["month"] == last)
    expected = closing.select("currency", "month", "closing_mrr_cents").rows()
    assert sorted(rows) == sorted(expected)


def test_what_memberships_paid_is_revenue(business: Business) -> None:
    revenue = business.answers["revenue/revenue_by_month"]
    recurring = {"starter", "pro", "elite", "sselfie_studio_membership", "brand_studio_membership"}
    recurring.add(TEAM)  # which the price list does not have, and which counts all the same
    paid = revenue.filter(revenue["product_type"].is_in(sorted(recurring)))
    expected = dict(paid.group_by("currency").agg(pl.col("net_cents").sum()).rows())
    printed = ask(
        business.settings.warehouse,
        "select currency, sum(collected_cents * n) from forecast.ltv_by_cohort group by currency",
    )
    assert printed
    for currency, cents in printed:
        # Per head and rounded; who joined after the last settled month is in no cohort yet.
        assert cents <= expected[currency] * 1.001
        assert currency != "usd" or cents >= expected[currency] * 0.85


def test_the_same_marts_give_the_same_numbers(business: Business, tmp_path: Path) -> None:
    again = tmp_path / "again.duckdb"
    shutil.copyfile(business.settings.warehouse, again)
    write_forecasts(again, discount_rate=business.settings.discount_rate)
    for name in SCHEMAS:
        sql = f"from forecast.{name} order by all"
        assert ask(again, sql) == ask(business.settings.warehouse, sql), name


def test_a_month_is_settled_when_no_late_renewal_can_change_it(
    business: Business, tmp_path: Path
) -> None:
    path = tmp_path / "patient.duckdb"
    shutil.copyfile(business.settings.warehouse, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update core.core_build set grace_days = 31")
    write_forecasts(path, discount_rate=0.01)
    sql = "select distinct strftime(origin_month, '%Y-%m') from forecast.mrr_projection"
    assert ask(business.settings.warehouse, sql) == [("2026-10",)]
    assert ask(path, sql) == [("2026-09",)]
