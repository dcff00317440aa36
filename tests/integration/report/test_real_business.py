"""Queries and reports over marts that dbt built from a real Postgres."""

from pathlib import Path

import polars as pl
import pytest

from sselfie_insights.query import (
    Result,
    find_query,
    load_library,
    open_warehouse,
    read_stamp,
    run_query,
)
from sselfie_insights.report import read_headlines, render_site
from tests.integration.conftest import Business

pytestmark = pytest.mark.parametrize("business", [1], indirect=True)
BREAKDOWNS = ("product", "first_product", "acquisition", "brand_style")
LARGEST = 300 * 1024


def run(business: Business, name: str, **given: str) -> Result:
    with open_warehouse(business.settings.warehouse) as connection:
        query = find_query(name, load_library())
        return run_query(connection, query, read_stamp(connection), given)


def test_every_query_runs_and_its_key_tells_rows_apart(business: Business) -> None:
    for name in load_library():
        result = run(business, name)
        assert result.frame.select(result.key).is_duplicated().sum() == 0, name


@pytest.mark.parametrize("breakdown", BREAKDOWNS)
@pytest.mark.parametrize(
    ("name", "keys", "sums"),
    [
        ("subscriber_cohorts", [], ["cohort_size", "at_risk_count", "retained_count"]),
        ("revenue_cohorts", ["currency"], ["cohort_size", "mrr_cents"]),
        ("activity_cohorts", [], ["cohort_size", "at_risk_count", "retained_count"]),
    ],
)
def test_segments_add_up_to_the_whole(
    business: Business, name: str, keys: list[str], sums: list[str], breakdown: str
) -> None:
    keys = ["cohort_period", *keys, "period_index"]
    whole = run(business, f"retention/{name}").frame.sort(keys)
    parts = run(business, f"retention/{name}", breakdown=breakdown).frame
    assert parts["segment"].n_unique() > 1
    added = (
        parts.group_by(keys)
        .agg(
            *(
                pl.when(pl.col(column).is_not_null().any()).then(pl.col(column).sum()).alias(column)
                for column in sums
            ),
            pl.col("is_complete").first(),
        )
        .sort(keys)
    )
    assert added.equals(whole.select(*keys, *sums, "is_complete"))


def test_intervals_of_segments_are_those_of_the_mart(business: Business) -> None:
    whole = run(business, "retention/subscriber_cohorts").frame
    parts = run(business, "retention/subscriber_cohorts", breakdown="acquisition").frame
    keys = ["at_risk_count", "retained_count"]
    both = (
        whole.select(*keys, "low", "high", "retention_rate")
        .unique()
        .join(parts.select(*keys, "low", "high", "retention_rate").unique(), on=keys)
        .drop_nulls()
    )
    assert both.height > 3
    for column in ("low", "high", "retention_rate"):
        assert (both[column] - both[f"{column}_right"]).abs().max() < 1e-12  # type: ignore[operator]


def test_every_report_is_drawn_in_300_kb(business: Business, tmp_path: Path) -> None:
    site = render_site(business.settings, tmp_path)
    assert len(site.pages) == 10
    for page in site.pages:
        assert page.stat().st_size <= LARGEST, page.name


def test_the_headline_equals_the_answer_key(business: Business) -> None:
    movements = business.answers["revenue/mrr_movements"]
    last = movements.filter(
        pl.col("month") == movements["month"].max(), pl.col("currency") == "usd"
    )
    cents = last["closing_mrr_cents"].item()
    tiles = {tile.label: tile.value for tile in read_headlines(business.settings)}
    assert tiles["MRR, USD"] == f"{cents // 100:,}.{cents % 100:02}"
