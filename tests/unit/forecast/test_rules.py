"""Which currencies are projected and valued: those of 20 members or more."""

import polars as pl
import pytest

from sselfie_insights.forecast.book import Book
from sselfie_insights.forecast.projection import build_projection_table
from sselfie_insights.forecast.survival import Fit, fit_all
from sselfie_insights.forecast.value import build_products_table

SETTLED = 12 * 56 + 9
FIRST = SETTLED - 9
MEMBERS = {"usd": 20, "eur": 19}


@pytest.fixture(scope="module")
def book() -> Book:
    """Ten months of joins, four in ten left after two; few pay in either currency."""
    months = range(FIRST, SETTLED + 1)
    return Book(
        settled=SETTLED,
        now=SETTLED + 1,
        first=FIRST,
        memberships=pl.DataFrame(
            [
                (month, month + 2 if is_lost else None, "pro", 1, 4 if is_lost else 6)
                for month in months
                for is_lost in (True, False)
            ],
            schema=["start_number", "lost_number", "product_type", "interval_months", "n"],
            orient="row",
        ),
        people={"all": 100, "pro": 100},
        holdings=pl.DataFrame(
            [
                (month, currency, tenure, 4900, "pro", 1, None, count)
                for month in months
                for currency, members in MEMBERS.items()
                for tenure, count in ((0, 5), (1, members - 5))
            ],
            schema={
                "month_number": pl.Int64, "currency": pl.String, "tenure": pl.Int64,
                "mrr_cents": pl.Int64, "product_type": pl.String, "interval_months": pl.Int64,
                "ends_number": pl.Int64, "n": pl.Int64,
            },
            orient="row",
        ),
        kept=pl.DataFrame(
            [(month, currency, 4900, 4900, 1, 0) for month in months for currency in MEMBERS],
            schema=[
                "month_number", "currency", "opening_cents", "closing_cents", "stayed_count",
                "changed_count",
            ],
            orient="row",
        ),
        rises=pl.DataFrame(
            schema={
                "month_number": pl.Int64, "currency": pl.String, "product_type": pl.String,
                "mrr_cents": pl.Int64, "later_mrr_cents": pl.Int64,
            }
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def fits(book: Book) -> dict[str, Fit]:
    return fit_all(book)


def test_a_currency_of_nineteen_members_is_not_projected(book: Book, fits: dict[str, Fit]) -> None:
    rows = (
        build_projection_table(book, fits["all"], past={})
        .filter(pl.col("months_ahead") <= 3)
        .group_by("currency", "n", "note")
        .agg(pl.len(), pl.col("total_mid_cents").count().alias("known"))
    )
    assert sorted(rows.iter_rows()) == [
        ("eur", 19, "too few: n = 19, needs 20", 3, 0),
        ("usd", 20, "", 3, 3),
    ]


def test_a_currency_of_nineteen_members_has_no_value(book: Book, fits: dict[str, Fit]) -> None:
    rows = build_products_table(book, fits, rate=0.01).select(
        "product_type", "currency", "note", pl.col("expected_value_cents").is_null().alias("empty")
    )
    assert sorted(rows.iter_rows()) == [
        (scope, currency, note, bool(note))
        for scope in ("all", "pro")
        for currency, note in (("eur", "too few: n = 19, needs 20"), ("usd", ""))
    ]
