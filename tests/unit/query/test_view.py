"""Which columns and rows of a result are shown, in which order."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query.header import Column, Unit
from sselfie_insights.query.result import Result
from sselfie_insights.query.view import View, arrange_rows, find_answer, find_keys, keep_columns

UNITS: dict[str, Unit] = {
    "month": "month", "currency": "text", "mrr_cents": "cents", "rate": "rate", "n": "count",
    "is_complete": "flag",
}  # fmt: skip
COLUMNS = {name: Column(unit=unit, description="") for name, unit in UNITS.items()}
JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)
ROWS: list[tuple[object, ...]] = [
    (JAN, "usd", 500, 0.5, 9, True),
    (JAN, "jpy", 9800, None, 7, True),
    (FEB, "usd", 700, 0.25, None, False),
    (FEB, "jpy", 9800, float("nan"), 8, False),
]
RESULT = Result("q", ROWS, COLUMNS, ("month", "currency"), ("n",), {}, None)  # type: ignore[arg-type]


def order(sort: str, limit: int | None = None) -> list[int]:
    """The positions in ``ROWS`` of what is shown."""
    view = View(sort=tuple(sort.split(",")) if sort else (), limit=limit)
    return [ROWS.index(row) for row in arrange_rows(RESULT, view).rows]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", [0, 1, 2, 3]),
        ("mrr_cents", [0, 2, 1, 3]),
        ("-mrr", [1, 3, 2, 0]),  # equal ones stay in their order
        ("currency,-month", [3, 1, 2, 0]),
        ("rate", [2, 0, 1, 3]),  # what is missing comes last, and so does NaN, ...
        ("-rate", [0, 2, 1, 3]),  # ... in either order
        ("-n", [0, 3, 1, 2]),
    ],
)
def test_rows_are_sorted_by_value(sort: str, expected: list[int]) -> None:
    assert order(sort) == expected
    frame = pl.DataFrame(ROWS, schema=list(UNITS), orient="row")
    view = View(sort=tuple(sort.split(",")) if sort else ())
    shown = arrange_rows(replace(RESULT, data=frame), view).frame
    assert shown["mrr_cents"].to_list() == [ROWS[place][2] for place in expected]


def test_text_is_sorted_whatever_its_case() -> None:
    names = [("b",), ("C",), ("a",), ("B",)]
    result = Result("q", names, {"name": COLUMNS["currency"]}, (), (), {}, None)
    shown = arrange_rows(result, View(sort=("name",)))
    assert list(shown.rows) == [("a",), ("B",), ("b",), ("C",)]


def test_a_limit_keeps_the_first_rows_of_the_order() -> None:
    assert order("-mrr", 2) == [1, 3]
    assert order("", 1) == [0]
    assert order("", 0) == order("", None) == [0, 1, 2, 3]


def test_what_is_hidden_moves_with_its_row() -> None:
    marked = replace(RESULT, marks=pl.DataFrame({"n": [None, "<5", None, None]}))
    shown = arrange_rows(marked, View(sort=("-month", "currency"), limit=3))
    assert [row[:2] for row in shown.rows] == [(FEB, "jpy"), (FEB, "usd"), (JAN, "jpy")]
    assert shown.marks is not None
    assert shown.marks["n"].to_list() == [None, None, "<5"]
    kept = keep_columns(shown, ["mrr_cents"])
    assert kept.marks is not None and kept.marks.columns == []


def test_columns_come_in_the_order_asked_for_and_money_by_either_name() -> None:
    names = View(columns=("rate", "mrr", "month")).choose_columns(RESULT)
    assert names == ["rate", "mrr_cents", "month"]
    kept = keep_columns(RESULT, names)
    assert next(iter(kept.rows)) == (0.5, 500, JAN)
    assert list(kept.columns) == names
    assert kept.key == ("month",)
    assert kept.group_sizes == ()


@pytest.mark.parametrize("view", [View(columns=("month", "mmr")), View(sort=("-mmr",))])
def test_an_unknown_column_brings_the_nearest_and_all(view: View) -> None:
    with pytest.raises(UsageError, match=r"no column 'mmr'; did you mean .*columns: month, curr"):
        view.choose_columns(arrange_rows(RESULT, view))


def test_the_answer_is_what_the_query_says_else_a_share_else_the_last_number() -> None:
    share = Column(unit="rate", description="", of="n", interval=("low", "high"))
    ends = {name: Column(unit="rate", description="") for name in ("low", "high")}
    names = ["month", "share", "low", "high", "mrr_cents", "is_complete"]
    result = replace(RESULT, columns=COLUMNS | ends | {"share": share})
    assert names[find_answer(result, names)] == "share"
    assert names[find_answer(replace(result, answer="mrr_cents"), names)] == "mrr_cents"
    plain = ["month", "currency", "mrr_cents", "n", "is_complete"]
    assert plain[find_answer(RESULT, plain)] == "n"
    assert find_answer(RESULT, ["currency", "is_complete"]) == 1
    assert find_keys(RESULT, ["n", "currency", "month"]) == (1, 2)
    assert find_keys(RESULT, ["n", "rate"]) == (0,)
