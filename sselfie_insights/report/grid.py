"""A cohort grid: from one row a cell to one row a cohort."""

from dataclasses import dataclass
from typing import Any, Literal

from sselfie_insights.errors import UsageError
from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.header import MEAN
from sselfie_insights.query.result import Result
from sselfie_insights.report.unusual import describe_unusual, find_unusual

State = Literal["complete", "running", "not_begun", "suppressed", "nobody"]


_PERIODS = {"two_weeks": "two-week period"}
# The shades span at least this range of rates, so that chance is not painted as a difference.
_LEAST_RANGE = 0.25
# What of a cohort is compared with the others, in a query whose people are in one cohort each.
_JUDGED = {"period_index", "at_risk_count", "retained_count", "is_complete"}


@dataclass(frozen=True)
class GridCell:
    """A cell of the grid.

    Attributes:
        text: The value for people; empty when there is none.
        share: What shades the cell, 0-1, from the lowest to the highest of the grid; None for no
            shade.
        interval: The 95 % interval, e.g. ``18-44``; empty when there is none.
        state: Whether the period is complete, running, not begun; or why there is no value.
    """

    text: str
    share: float | None
    interval: str
    state: State


@dataclass(frozen=True)
class GridRow:
    """A cohort: its name, how many are in it, its cells, and how it stands out, if it does."""

    label: str
    size: str
    cells: tuple[GridCell, ...]
    stands_out: str = ""


@dataclass(frozen=True)
class CohortGrid:
    """A grid to draw.

    Attributes:
        periods: The heading of each column of cells.
        rows: The cohorts, oldest first, that are shown.
        mean: The query's own mean of each period; None where it gives none of the value.
        mean_n: How many people the mean rests on; None where there is no mean.
        hidden_cohorts: Older cohorts that are not shown.
        hidden_periods: Later periods that are not shown.
        measure: What a cell holds, in words.
        grain: What the columns count from the cohort's start, e.g. ``week``.
        is_rising: Whether cells rise until everyone has come back, so older ones had more time.
        unusual: Which cohorts the others would not lead to expect, in words.
    """

    periods: tuple[str, ...]
    rows: tuple[GridRow, ...]
    mean: GridRow | None
    mean_n: GridRow | None
    hidden_cohorts: int
    hidden_periods: int
    measure: str
    grain: str
    is_rising: bool
    unusual: str


def build_grid(result: Result, value: str, *, cohorts: int, periods: int) -> CohortGrid:
    """Return the grid of ``result``.

    Args:
        result: One row a cohort and period index, small groups suppressed.
        value: The column to show.
        cohorts: How many cohorts to show, the newest.
        periods: How many periods to show, the first.

    Raises:
        UsageError: A cell has several rows.
    """
    every = list(result.frame.iter_rows(named=True))
    hidden = dict(enumerate(result.suppressed or ()))
    missing = {
        (row["cohort_period"], row["period_index"])
        for row, mark in zip(every, result.hidden or (), strict=False)
        if mark and row[value] is None
    }
    rows = [row for row in every if not row.get(MEAN)]
    marks = {
        row["cohort_period"]: hidden[place]
        for place, row in enumerate(every)
        if not row.get(MEAN) and hidden.get(place)
    }
    means = {
        row["period_index"]: (row, hidden.get(place, ""))
        for place, row in enumerate(every)
        if row.get(MEAN)
    }
    # Of the periods that no cohort here has reached, only a first one is a column.
    reached = max((row["period_index"] for row in rows if row[value] is not None), default=0)
    indexes = sorted({row["period_index"] for row in rows})
    indexes = [index for index in indexes if index <= reached] or indexes[:1]
    shown_indexes = indexes[:periods]
    names = {row["period_index"]: row.get("period_label", str(row["period_index"])) for row in rows}
    starts = sorted({row["cohort_period"] for row in rows})
    shown_starts = starts[-cohorts:]
    cells = {(row["cohort_period"], row["period_index"]): row for row in rows}
    sizes = {row["cohort_period"]: row["cohort_size"] for row in rows}
    if len(cells) < len(rows):
        raise UsageError(
            f"a cohort grid of {result.name} has several rows a cell",
            remedy="name the columns that distinguish them under 'each'",
        )
    unit, interval = result.columns[value].unit, result.columns[value].interval
    peak = max((row[value] or 0 for row in rows), default=0)
    # The first period is nearly always whole, and would take the shades of all others.
    rates = [row[value] for row in rows if row["period_index"] and row[value] is not None]
    low = min([*rates, 1 - _LEAST_RANGE])
    high = max([*rates, low + _LEAST_RANGE])

    def draw(row: dict[str, Any] | None, *, is_hidden: bool, is_empty: bool) -> GridCell:
        if is_hidden:
            return GridCell("", None, "", "suppressed")
        number = None if row is None else row[value]
        if row is None or number is None:
            return GridCell("", None, "", "nobody" if is_empty else "not_begun")
        share = number / peak if peak else 0
        if unit == "rate":
            share = (number - low) / (high - low)
        return GridCell(
            text=f"{number:.0%}"
            if unit == "rate"
            else write_cell(number, unit, row.get("currency")),
            share=min(1.0, max(0.0, float(share))),
            interval=_write_ends(*(row[end] for end in interval)) if interval else "",
            state="complete" if row["is_complete"] else "running",
        )

    is_rising = result.values.get("mode") == "on_or_after"
    is_judged = unit == "rate" and result.columns.keys() >= _JUDGED and not is_rising
    is_judged &= result.values.get("start") != "each_activity"
    unusual = find_unusual(rows, result) if is_judged else {}
    drawn = tuple(
        GridRow(
            label=write_cell(start, result.columns["cohort_period"].unit, in_words=True),
            size=marks.get(start) or write_cell(sizes[start], "count"),
            cells=tuple(
                draw(
                    cells.get((start, index)),
                    is_hidden=start in marks or (start, index) in missing,
                    is_empty=not sizes[start],
                )
                for index in shown_indexes
            ),
            stands_out=unusual.get(start, ("", ""))[0],
        )
        for start in shown_starts
    )
    mean = mean_n = None
    if any(row[value] is not None for row, _ in means.values()) and unit == "rate":
        at = [means.get(index, (None, "")) for index in shown_indexes]
        drawn_means = (
            draw(row, is_hidden=bool(mark) or (None, index) in missing, is_empty=True)
            for index, (row, mark) in zip(shown_indexes, at, strict=True)
        )
        mean = GridRow("Mean", "", tuple(drawn_means))
        mean_n = GridRow("n", "", tuple(_count(row, mark) for row, mark in at))
    grain = str(result.values.get("grain") or result.columns["cohort_period"].unit)
    return CohortGrid(
        periods=tuple(names[index] for index in shown_indexes),
        rows=drawn,
        mean=mean,
        mean_n=mean_n,
        hidden_cohorts=len(starts) - len(shown_starts),
        hidden_periods=len(indexes) - len(shown_indexes),
        measure=result.columns[value].description,
        grain=_PERIODS.get(grain, grain),
        is_rising=is_rising,
        unusual=describe_unusual(unusual, is_judged=is_judged and len(starts) > 1),
    )


def _count(row: dict[str, Any] | None, mark: str) -> GridCell:
    """How many people a mean rests on, where the mean is shown."""
    if row is None or mark:
        return GridCell("", None, "", "suppressed" if mark else "nobody")
    return GridCell(write_cell(row["cohort_size"], "count"), None, "", "complete")


def _write_ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{100 * low:.0f}-{100 * high:.0f}"
