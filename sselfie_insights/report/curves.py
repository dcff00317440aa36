"""Retention curves of fixed cohorts by segment: one slice to read, and the others for the script.

For any slice the script ``curves.js`` writes the same words and numbers as this module.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sselfie_insights.query.cells import HIDDEN
from sselfie_insights.query.result import Result
from sselfie_insights.query.table import TextTable
from sselfie_insights.report.blocks import Chart, Curves, Series
from sselfie_insights.report.definition import CurvesSection
from sselfie_insights.report.names import write_name

# The curves that one chart can hold; the table has all.
_MOST_CURVES = 6

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class _Segment:
    """A segment of a slice, month by month: who came back, and the last month's interval."""

    name: str
    n: int
    mark: str
    counts: tuple[int, ...]
    ends: tuple[tuple[float, float], ...]

    @property
    def last(self) -> str:
        low, high = self.ends[-1]
        return f"{_percent(self.counts[-1], self.n)} ({_round(low)}-{_round(high)})"


def build_curves(
    section: CurvesSection, result: Result, own: Mapping[str, str]
) -> tuple[Curves, TextTable, Chart | None]:
    """Return the choices and every slice of ``result``, and the table and chart of the first.

    Args:
        section: What can be chosen, and what is at first.
        result: Rows of ``retention/fixed_cohorts``, small groups suppressed.
        own: The owner's names of products.
    """
    marks = result.hidden or ("",) * result.height
    rows = [row | {"mark": mark} for row, mark in zip(result.frame.to_dicts(), marks, strict=True)]
    names = list(section.choices)
    slices = {
        "|".join(map(str, key)): _read_segments(list(group), own)
        for key, group in groupby(rows, key=lambda row: tuple(row[name] for name in names))
    }
    segments = list(dict.fromkeys(each.name for one in slices.values() for each in one))
    packed = {
        key: [
            [segments.index(each.name), each.mark]
            if each.mark
            else [segments.index(each.name), each.n, each.counts]
            for each in one
        ]
        for key, one in slices.items()
    }
    chosen = slices.get("|".join(section.chosen[name] for name in names), [])
    months = int(section.chosen["horizon"])
    shown = [each for each in chosen if not each.mark]
    sentence = describe(shown, months, len(chosen))
    content = {"segments": segments, "slices": packed}
    curves = Curves(
        choices={name: (each.label, dict(each.values)) for name, each in section.choices.items()},
        chosen=section.chosen,
        sentence=sentence,
        # Nothing in a page may end the element that holds it.
        data=json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    )
    return (
        curves,
        _build_table(chosen, months),
        _build_chart(f"{section.title} {sentence}", shown, months),
    )


def _read_segments(rows: Rows, own: Mapping[str, str]) -> list[_Segment]:
    found = []
    for segment, group in groupby(rows, key=lambda row: str(row["segment"])):
        of = list(group)
        name = write_name(str(of[0]["breakdown"]), segment, own).replace("_", " ")
        # What is close to a shorter horizon is hidden, however large it is.
        mark = next((row["mark"] for row in of if row["mark"]), "")
        mark = HIDDEN if mark and of[0]["is_close"] else mark
        counts = () if mark else tuple(row["retained_count"] for row in of)
        ends = () if mark else tuple((row["low"], row["high"]) for row in of)
        found.append(_Segment(name, of[0]["person_count"] or 0, mark, counts, ends))
    return found


def describe(shown: Sequence[_Segment], months: int, count: int) -> str:
    """Return in words which segment came back most, and from which it cannot be distinguished."""
    if not shown:
        return "Too few people to show."
    best = _find_best(shown)
    if len(shown) == 1:
        said = f"In month {months}, {best.last} of {best.n:,}"
        if count == 1:
            return f"{said} came back."
        return f"{said} in {best.name} came back; the other segments are too small to show."
    lower = [each.name for each in shown if each.ends[-1][1] < best.ends[-1][0]]
    others = [each.name for each in shown if each is not best and each.name not in lower]
    words = f"In month {months}, {best.name} came back most: {best.last} of {best.n:,}."
    if lower:
        words += f" Lower, beyond chance: {', '.join(lower)}."
    if others:
        words += f" Not distinguishable from it, as the intervals overlap: {', '.join(others)}."
    return words


def _find_best(shown: Iterable[_Segment]) -> _Segment:
    return max(shown, key=lambda each: each.counts[-1] / each.n)


def _build_table(chosen: Iterable[_Segment], months: int) -> TextTable:
    shown = [each for each in chosen if not each.mark]
    best = _find_best(shown) if shown else None
    rows = []
    for each in chosen:
        if each.mark or best is None:
            rows.append([each.name, each.mark, *[""] * (months + 1)])
            continue
        is_lower = each.ends[-1][1] < best.ends[-1][0]
        word = "highest" if each is best else "lower" if is_lower else "not distinguishable"
        earlier = [_percent(count, each.n) for count in each.counts[:-1]]
        rows.append([each.name, f"{each.n:,}", each.last, word if len(shown) > 1 else "", *earlier])
    earlier_months = [f"Month {month}" for month in range(1, months)]
    return TextTable(
        headers=["Segment", "n", f"Month {months} (95 %)", "Against the highest", *earlier_months],
        rows=rows,
        numeric=[False, True, True, False, *[True] * (months - 1)],
    )


def _build_chart(summary: str, shown: Sequence[_Segment], months: int) -> Chart | None:
    if not shown:
        return None
    series = tuple(
        Series(each.name, tuple(count / each.n for count in each.counts))
        for each in shown[:_MOST_CURVES]
    )
    return Chart(
        kind="line",
        points=tuple(f"Month {month}" for month in range(1, months + 1)),
        series=series,
        steps=(),
        complete=(True,) * months,
        measure="rate",
        summary=summary,
    )


def _percent(count: int, n: int) -> str:
    return f"{(200 * count + n) // (2 * n)}%"


def _round(share: float) -> int:
    return int(100 * share + 0.5)
