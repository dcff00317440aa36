"""Choose the rows of a result that a section shows."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import polars as pl

from sselfie_insights.query.result import Result
from sselfie_insights.report.definition import BarSection, LineSection
from sselfie_insights.report.tables import rank_values

# The bars that one chart can hold and a reader can compare.
_MOST_BARS = 20
# The currencies or segments that a section is repeated for, so that a page stays small.
_MOST_PARTS = 4
# The points along time that a chart shows where its section does not say.
_LAST_POINTS = 36


def split(whole: Result, each: tuple[str, ...]) -> tuple[list[tuple[str, Result]], int]:
    """Return the rows for the largest values of ``each``, with their names, and how many there are.

    A column of one value names nothing; without columns there is one part, the whole.
    """
    total = whole.frame.select(each).n_unique() if each else 1
    return list(islice(_split(whole, each), _MOST_PARTS)), total


def title_part(title: str, suffix: str) -> str:
    """Return the heading of a part of ``split``; the whole has no name."""
    return f"{title}, {suffix}" if suffix else title


def _split(whole: Result, each: tuple[str, ...]) -> Iterator[tuple[str, Result]]:
    if not each:
        yield "", whole
        return
    column, *rest = each
    parts = rank_values(whole, column)
    if len(parts) < 2:
        yield from _split(whole, tuple(rest))
        return
    for part in parts:
        name = str(part).upper() if column == "currency" else str(part)
        one = keep_rows(whole, whole.frame[column].eq_missing(part))
        for suffix, result in _split(one, tuple(rest)):
            yield ", ".join(filter(None, (name, suffix))), result


def cut(result: Result, *, first: int | None, last: int | None) -> Result:
    """Return the first, or else the last, rows of ``result``."""
    height = result.frame.height
    start = 0 if first is not None or last is None else max(0, height - last)
    stop = height if first is None else min(first, height)
    marks = None if result.marks is None else result.marks[start:stop]
    return replace(result, data=result.frame[start:stop], marks=marks)


def choose_points(section: LineSection | BarSection, result: Result) -> Result:
    """Return the rows of the points that the chart of ``section`` shows, in its order."""
    if isinstance(section, LineSection) or not section.latest:
        shown = _cut_points(result, section.x, section.last or _LAST_POINTS)
    else:
        shown = _keep_latest(result) if result.frame.height else result
    if isinstance(section, BarSection) and section.ranked:
        values = shown.frame[next(iter(section.y))].fill_null(0).to_list()
        order = sorted(range(len(values)), key=values.__getitem__, reverse=True)
        marks = None if shown.marks is None else shown.marks[order]
        shown = replace(shown, data=shown.frame[order], marks=marks)
    if isinstance(section, BarSection) and result.columns[section.x].unit == "text":
        bars = shown.frame[section.x].unique(maintain_order=True).head(_MOST_BARS)
        shown = keep_rows(shown, shown.frame[section.x].is_in(bars.implode(), nulls_equal=True))
    return shown


def _cut_points(result: Result, x: str, last: int) -> Result:
    """Return the rows of the last points along ``x``, unless it is made of words."""
    if result.columns[x].unit == "text":
        return result
    points = result.frame[x].unique().sort().tail(last)
    return keep_rows(result, result.frame[x].is_in(points.implode()))


def _keep_latest(result: Result) -> Result:
    """Return the rows of the last complete period, or of the last where none is complete."""
    time = result.period_columns[0]
    complete = result.frame.filter("is_complete")
    day = (complete if complete.height else result.frame)[time].max()
    return keep_rows(result, result.frame[time] == day)


def keep_rows(result: Result, kept: pl.Series) -> Result:
    """Return the rows of ``result`` where ``kept`` is true."""
    marks = None if result.marks is None else result.marks.filter(kept)
    return replace(result, data=result.frame.filter(kept), marks=marks)
