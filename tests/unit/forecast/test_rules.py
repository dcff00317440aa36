"""Which currencies are projected and valued: those of 20 members or more."""

import polars as pl
import pytest

from sselfie_insights.forecast.book import Book
from sselfie_insights.forecast.projection import AHEAD, tell_projection
from sselfie_insights.forecast.survival import Fit, fit_all
from sselfie_insights.forecast.value import tell_products

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
                (month, month + 2 if is_lost else None, "pro", 4 if is_lost else 6)
                for month in months
                for is_lost in (True, False)
            ],
            schema=["start_number", "lost_number", "product_type", "n"],
            orient="row",
        ),
        holdings=pl.DataFrame(
            [
                (month, currency, tenure, 4900, "pro", count)
                for month in months
                for currency, members in MEMBERS.items()
                for tenure, count in ((0, 5), (1, members - 5))
            ],
            schema=["month_number", "currency", "tenure", "mrr_cents", "product_type", "n"],
            orient="row",
        ),
        kept=pl.DataFrame(
            [(month, currency, 4900, 4900) for month in months for currency in MEMBERS],
            schema=["month_number", "currency", "opening_cents", "closing_cents"],
            orient="row",
        ),
    )


@pytest.fixture(scope="module")
def fits(book: Book) -> dict[str, Fit]:
    return fit_all(book)


def test_a_currency_of_nineteen_members_is_not_projected(book: Book, fits: dict[str, Fit]) -> None:
    rows = (
        tell_projection(book, fits["all"])
        .group_by("currency", "n", "note")
        .agg(pl.len(), pl.col("total_mid_cents").count().alias("told"))
    )
    assert sorted(rows.iter_rows()) == [
        ("eur", 19, "too few: n = 19, needs 20", AHEAD, 0),
        ("usd", 20, "", AHEAD, AHEAD),
    ]


def test_a_currency_of_nineteen_members_has_no_value(book: Book, fits: dict[str, Fit]) -> None:
    rows = tell_products(book, fits, rate=0.01).select(
        "product_type", "currency", "note", pl.col("expected_value_cents").is_null().alias("empty")
    )
    assert sorted(rows.iter_rows()) == [
        (scope, currency, note, bool(note))
        for scope in ("all", "pro")
        for currency, note in (("eur", "too few: n = 19, needs 20"), ("usd", ""))
    ]
