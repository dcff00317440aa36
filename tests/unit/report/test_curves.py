"""Retention by segment in words: intervals by Wilson's formula, worked out by hand."""

import json

import polars as pl

from sselfie_insights.query.header import Column
from sselfie_insights.query.result import Result
from sselfie_insights.report.curves import build_curves
from sselfie_insights.report.definition import CurvesSection

NAMES = ("horizon", "start", "return", "breakdown")
SECTION = CurvesSection.model_validate(
    {
        "type": "curves",
        "title": "Who comes back?",
        "choices": {name: {"label": name, "values": {}} for name in NAMES},
        "chosen": {"horizon": "3", "start": "signup", "return": "any", "breakdown": "product"},
    }
)
# Wilson's 95 % interval of 40 of 50 is 0.6696 to 0.8876, of 35 of 50 0.5625 to 0.8090, and of 10 of
# 50 0.1124 to 0.3304.
ENDS = {40: (0.6696, 0.8876), 35: (0.5625, 0.8090), 10: (0.1124, 0.3304)}


def build(**segments: int | str) -> tuple[str, list[list[str]], dict[str, object]]:
    """The words, the table and the data of segments: who of 50 came back, or why that is hidden."""
    rows, marks = [], []
    for name, count in segments.items():
        for month in (1, 2, 3):
            mark = count if isinstance(count, str) else ""
            size, kept = (
                (None, None) if isinstance(count, str) else (50, count if month == 3 else 50)
            )
            low, high = ENDS.get(kept or 0, (None, None))
            is_close = name == "close"
            rows.append(
                (3, "signup", "any", "product", name, month, size, kept, is_close, low, high)
            )
            marks.append(mark)
    units = dict.fromkeys((*NAMES, "segment"), "text") | dict.fromkeys(
        ("period_index", "person_count", "retained_count"), "count"
    ) | {"is_close": "flag", "low": "rate", "high": "rate"}  # fmt: skip
    units["horizon"] = "count"
    columns = {name: Column(unit=unit, description="") for name, unit in units.items()}  # type: ignore[arg-type]
    hidden = pl.DataFrame({"person_count": marks})
    result = Result("q", rows, columns, (), ("person_count",), {}, None, marks=hidden)
    curves, table, chart = build_curves(SECTION, result, {})
    assert (chart is None) == all(isinstance(count, str) for count in segments.values())
    assert "<" not in curves.data
    return curves.sentence, table.rows, json.loads(curves.data)


def test_what_chance_may_explain_is_not_distinguishable() -> None:
    words, rows, data = build(sselfie_studio=40, pro=35, topup=10, close="<5", few="<5")
    assert words == (
        "In month 3, sselfie studio came back most: 80% (67-89) of 50. Lower, beyond chance: topup."
        " Not distinguishable from it, as the intervals overlap: Pro."
    )
    assert rows == [
        ["sselfie studio", "50", "80% (67-89)", "highest", "100%", "100%"],
        ["Pro", "50", "70% (56-81)", "not distinguishable", "100%", "100%"],
        ["topup", "50", "20% (11-33)", "lower", "100%", "100%"],
        # As large as it may be, it is close to a shorter horizon's; the other is small.
        ["close", "hidden", "", "", "", ""],
        ["few", "<5", "", "", "", ""],
    ]
    assert data == {
        "segments": ["sselfie studio", "Pro", "topup", "close", "few"],
        "slices": {
            "3|signup|any|product": [
                [0, 50, [50, 50, 40]], [1, 50, [50, 50, 35]], [2, 50, [50, 50, 10]],
                [3, "hidden"], [4, "<5"],
            ]
        },
    }  # fmt: skip


def test_one_segment_is_compared_with_nothing() -> None:
    words, rows, _ = build(all=40)
    assert words == "In month 3, 80% (67-89) of 50 came back."
    assert rows == [["all", "50", "80% (67-89)", "", "100%", "100%"]]


def test_a_segment_that_is_shown_alone_is_named() -> None:
    words, _, _ = build(pro=40, few="<5", other="hidden")
    assert words == (
        "In month 3, 80% (67-89) of 50 in Pro came back; the other segments are too small to show."
    )


def test_where_nobody_is_shown_nothing_is_said() -> None:
    words, rows, _ = build(one="<5", other="hidden")
    assert words == "Too few people to show."
    assert rows == [["one", "<5", "", "", "", ""], ["other", "hidden", "", "", "", ""]]


def test_a_name_cannot_end_the_element_that_holds_the_data() -> None:
    name = "</script><script>alert(1)"
    assert name in build(**{name: 40})[2]["segments"]  # type: ignore[operator]
