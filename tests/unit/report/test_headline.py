from datetime import date
from typing import Any

import polars as pl
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query.header import Column
from sselfie_insights.query.result import Result
from sselfie_insights.report.definition import HeadlineItem
from sselfie_insights.report.headline import Tile, build_tiles
from sselfie_insights.statistics.intervals import wilson
from tests.support.pages import suppress_alone

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
    return build_tiles(HeadlineItem(label="Label", query="q", **item), suppress_alone(result))


def test_the_latest_row_speaks_and_says_that_it_runs() -> None:
    usd = tiles(column="money", each="currency", good="up")[0]
    assert usd == Tile(
        "Label, USD", "$120.00", True, "", "Mar 2026", True,
        "\N{MINUS SIGN}$5.50 (\N{MINUS SIGN}4.4%) vs Feb 2026", "neutral",
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
        "8.0%", "Feb 2026", "\N{MINUS SIGN}2.0 points vs Jan 2026, within chance", "neutral",
    )  # fmt: skip


# The examples of Newcombe (1998), table II, method 10: 0.2 (0.0524 to 0.3339), 0.6 (0.1705 to
# 0.8090), 0.5714 (0.0582 to 0.8062) and 0.0893 (-0.0381 to 0.1926).
@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        ((56, 70), (48, 80), "+20.0 points vs Jan 2026, better"),
        ((48, 80), (56, 70), "\N{MINUS SIGN}20.0 points vs Jan 2026, worse"),
        ((9, 10), (3, 10), "+60.0 points vs Jan 2026, better"),
        ((6, 7), (2, 7), "+57.1 points vs Jan 2026, better"),
        ((5, 56), (0, 29), "+8.9 points vs Jan 2026, within chance"),
        ((5, 50), (5, 50), "unchanged vs Jan 2026"),
    ],
    ids=str,
)
def test_only_what_chance_does_not_explain_is_better_or_worse(
    now: tuple[int, int], before: tuple[int, int], words: str
) -> None:
    columns = {name: Column(unit=unit, description="") for name, unit in UNITS.items()}  # type: ignore[arg-type]
    columns["share"] = Column(unit="rate", of="people", interval=("low", "high"), description="")
    columns |= {end: Column(unit="rate", of="people", description="") for end in ("low", "high")}
    rows = []
    for month, (k, n) in ((1, before), (2, now)):
        low, high = wilson([k], [n])
        rows.append((date(2026, month, 1), "usd", n, 0, k / n, True, low[0], high[0]))
    result = Result("q", rows, columns, ("month", "currency"), (), {}, None)
    for good in ("up", "down"):
        item = HeadlineItem(label="L", query="q", column="share", good=good)  # type: ignore[arg-type]
        [tile] = build_tiles(item, result)
        other = {"better": "worse", "worse": "better"}
        last = words.split()[-1]
        verdict = other.get(last, last) if good == "down" else last
        expected = words.removesuffix(last) + verdict
        assert tile.change == expected
        assert tile.tone == {"better": "good", "worse": "bad"}.get(verdict, "neutral")


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


def test_a_running_month_is_held_against_the_same_day_of_the_month_before() -> None:
    columns = {
        name: Column(unit=unit, description="")  # type: ignore[arg-type]
        for name, unit in (("currency", "text"), ("before", "cents"), ("on", "date"))
    }
    rows = [("eur", None, date(2026, 2, 15)), ("usd", 10_000, date(2026, 2, 15))]
    earlier = Result("e", rows, columns, ("currency",), (), {}, None)
    kinds = [pl.Date, pl.String, pl.Int64, pl.Int64, pl.Float64, pl.Boolean]
    frame = pl.DataFrame(ROWS, schema=dict(zip(UNITS, kinds, strict=True)), orient="row")
    whole = Result(
        "q", frame, {n: Column(unit=u, description="") for n, u in UNITS.items()},  # type: ignore[arg-type]
        ("month", "currency"), (), {}, None,
    )  # fmt: skip
    item = HeadlineItem.model_validate({
        "label": "MRR", "query": "q", "column": "money", "each": "currency",
        "earlier": {"query": "e", "column": "before", "on": "on"},
    })  # fmt: skip
    usd, eur = build_tiles(item, whole, earlier)
    # 120.00 now and 100.00 on the same day of February; what is not known is not compared.
    assert usd.change == "+$20.00 (+20.0%) vs 15 Feb"
    assert (eur.value, eur.change) == ("\N{EURO SIGN}10.00", "")
    ended = Result(
        "q", frame.with_columns(is_complete=True), whole.columns, whole.key, (), {}, None
    )
    assert build_tiles(item, ended, earlier)[0].change.endswith("vs Feb 2026")
