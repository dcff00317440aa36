from datetime import date
from typing import Any

import polars as pl
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query.header import Column
from sselfie_insights.query.run import Result
from sselfie_insights.report.definition import HeadlineItem
from sselfie_insights.report.headline import Tile, build_tiles
from sselfie_insights.report.privacy import suppress_small_groups

UNITS = {
    "month": "month", "currency": "text", "people": "count", "money": "cents", "share": "rate",
    "is_complete": "flag",
}  # fmt: skip
ROWS: list[tuple[Any, ...]] = [
    (date(2026, 1, 1), "eur", 9, 5_000, 0.10, True),
    (date(2026, 1, 1), "usd", 9, 10_000, 0.10, True),
    (date(2026, 2, 1), "eur", 9, 5_000, None, True),
    (date(2026, 2, 1), "usd", 9, 12_550, 0.08, True),
    (date(2026, 3, 1), "eur", 3, 1_000, 0.5, False),
    (date(2026, 3, 1), "usd", 9, 12_000, 0.02, False),
]


def tiles(
    rows: list[tuple[Any, ...]] = ROWS, sizes: tuple[str, ...] = ("people",), **item: Any
) -> list[Tile]:
    kinds = [pl.Date, pl.String, pl.Int64, pl.Int64, pl.Float64, pl.Boolean]
    frame = pl.DataFrame(rows, schema=dict(zip(UNITS, kinds, strict=True)), orient="row")
    columns = {name: Column(unit=unit, description="") for name, unit in UNITS.items()}  # type: ignore[arg-type]
    columns["share"] = Column(
        unit="rate", of="people", interval=("share_low", "share_high"), description=""
    )
    for name, times in {"share_low": 0.5, "share_high": 2.0}.items():
        columns[name] = Column(unit="rate", of="people", description="")
        frame = frame.with_columns((pl.col("share") * times).alias(name))
    result = Result("q", frame, columns, ("month", "currency"), sizes, {}, None)
    return build_tiles(
        HeadlineItem(label="Label", query="q", **item), suppress_small_groups(result)
    )


def test_the_latest_row_speaks_and_says_that_it_runs() -> None:
    usd = tiles(column="money", each="currency", good="up")[0]
    assert usd == Tile(
        "Label, USD", "$120.00", True, "", "Mar 2026", True,
        "\N{MINUS SIGN}$5.50 vs Feb 2026", "bad",
        (10_000.0, 12_550.0, 12_000.0),
    )  # fmt: skip


def test_the_interval_stands_beside_the_number() -> None:
    usd = tiles(column="money", each="currency", low="people", high="money", n="people")[0]
    assert usd.interval == "95 %: $0.09 to $120.00, n = 9"
    rows = [(date(2026, 1, 1), "usd", 9, 10_000, 1 / 9, True)]
    assert tiles(rows, column="share")[0].interval == "95 %: 5.6% to 22.2%, n = 9"
    assert tiles(column="money", each="currency", n="people")[1].interval == "", "a small group"


def test_complete_leaves_the_running_period_out() -> None:
    usd = tiles(column="share", each="currency", at="complete", good="down")[0]
    assert (usd.value, usd.period, usd.change, usd.tone) == (
        "8.0%", "Feb 2026", "\N{MINUS SIGN}2.0 points vs Jan 2026", "good",
    )  # fmt: skip


def test_the_larger_value_comes_first_and_a_small_group_is_hidden() -> None:
    usd, eur = tiles(column="money", each="currency")
    assert (usd.label, eur.label) == ("Label, USD", "Label, EUR")
    assert (usd.rank, eur.rank) == (0, 1)
    assert (eur.value, eur.change) == ("too few people to show", "")
    assert tiles(column="people", each="currency")[1].value == "<5"
    # Of two groups the small one hides what is known of both, and not the size of the other.
    rows = [(date(2026, 1, 1), "usd", 9, 3, 0.1, True)]
    both = ("people", "money")
    printed = [tiles(rows, both, column=name)[0].value for name in (*both, "share")]
    assert printed == ["9", "<5", "too few people to show"]
    assert 1_000.0 not in eur.trend


def test_what_was_not_captured_is_said_in_words() -> None:
    eur = tiles(column="share", each="currency", at="complete", empty="refunds not captured")[1]
    assert (eur.value, eur.has_value) == ("refunds not captured", False)
    assert [tile.value for tile in tiles([], column="money")] == ["no data captured"]


def test_of_thousands_of_currencies_the_largest_are_told_and_the_others_counted() -> None:
    rows = [
        (date(2026, 1, 1), f"c{number}", 9, 100 + number, None, True) for number in range(5_000)
    ]
    printed = tiles(rows, column="money", each="currency")
    assert [tile.label for tile in printed[:2]] == ["Label, c4999", "Label, c4998"]
    assert (printed[-1].label, printed[-1].value) == ("Label, others", "4,996 more in the query q")
    assert len(printed) == 5


def test_no_change_is_no_news() -> None:
    rows = [row for row in ROWS if row[1] == "eur"][:2]
    (tile,) = tiles(rows, column="money", good="up")
    assert (tile.change, tile.tone) == ("unchanged vs Jan 2026", "neutral")


def test_an_unknown_column_is_told() -> None:
    with pytest.raises(UsageError, match="headline 'Label': query q has no column 'mony'"):
        tiles(column="mony")


def test_numbers_of_several_currencies_are_not_taken_for_a_course() -> None:
    with pytest.raises(UsageError, match=r"gives several rows for one month: .* under 'each'"):
        tiles(column="money")
