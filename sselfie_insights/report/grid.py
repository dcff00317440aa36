"""A cohort grid: from one row a cell to one row a cohort."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl

from sselfie_insights.errors import UsageError
from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.run import Result
from sselfie_insights.statistics.shares import share_interval

State = Literal["complete", "running", "not_begun", "suppressed", "nobody"]


@dataclass(frozen=True)
class GridCell:
    """A cell of the grid.

    Attributes:
        text: The value for people; empty when there is none.
        share: What shades the cell, 0-1; None for no shade.
        interval: The 95 % interval, e.g. ``18-44``; empty when there is none.
        state: Whether the period is complete, running, not begun; or why there is no value.
    """

    text: str
    share: float | None
    interval: str
    state: State


@dataclass(frozen=True)
class GridRow:
    """A cohort: its name, how many are in it, its cells."""

    label: str
    size: str
    cells: tuple[GridCell, ...]


@dataclass(frozen=True)
class CohortGrid:
    """A grid to draw.

    Attributes:
        periods: The heading of each column of cells.
        rows: The cohorts, oldest first, that are shown.
        mean: The weighted mean over the complete cells of all cohorts but the suppressed, which
            it would give away; None where it has no meaning.
        mean_n: How many people the mean rests on; None where there is no mean.
        hidden_cohorts: Older cohorts that are not shown.
        hidden_periods: Later periods that are not shown.
        measure: What a cell holds, in words.
        grain: What the columns count from the cohort's start, e.g. ``week``.
    """

    periods: tuple[str, ...]
    rows: tuple[GridRow, ...]
    mean: GridRow | None
    mean_n: GridRow | None
    hidden_cohorts: int
    hidden_periods: int
    measure: str
    grain: str


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
    rows = list(result.frame.iter_rows(named=True))
    # Of the periods that no cohort here has reached, only a first one is a column.
    reached = max((row["period_index"] for row in rows if row[value] is not None), default=0)
    indexes = sorted({row["period_index"] for row in rows})
    indexes = [index for index in indexes if index <= reached] or indexes[:1]
    shown_indexes = indexes[:periods]
    names = {row["period_index"]: row.get("period_label", str(row["period_index"])) for row in rows}
    starts = sorted({row["cohort_period"] for row in rows})
    shown_starts = starts[-cohorts:]
    cells = {(row["cohort_period"], row["period_index"]): row for row in rows}
    marks = {
        row["cohort_period"]: mark
        for row, mark in zip(rows, result.suppressed or (), strict=False)
        if mark
    }
    if len(cells) < len(rows):
        raise UsageError(
            f"a cohort grid of {result.name} has several rows a cell",
            remedy="name the columns that distinguish them under 'each'",
        )
    unit, interval = result.columns[value].unit, result.columns[value].interval
    peak = max((row[value] or 0 for row in rows), default=0)

    def draw(row: dict[str, Any], start: date) -> GridCell:
        if start in marks:
            return GridCell("", None, "", "suppressed")
        number = row[value]
        if number is None:
            return GridCell("", None, "", "nobody" if row["cohort_size"] == 0 else "not_begun")
        share = number if unit == "rate" else number / peak if peak else 0
        return GridCell(
            text=f"{number:.0%}"
            if unit == "rate"
            else write_cell(number, unit, row.get("currency")),
            share=min(1.0, max(0.0, float(share))),
            interval=_write_ends(*(row[end] for end in interval)) if interval else "",
            state="complete" if row["is_complete"] else "running",
        )

    drawn = tuple(
        GridRow(
            label=write_cell(start, result.columns["cohort_period"].unit),
            size=marks.get(start) or write_cell(cells[start, indexes[0]]["cohort_size"], "count"),
            cells=tuple(draw(cells[start, index], start) for index in shown_indexes),
        )
        for start in shown_starts
    )
    mean, mean_n = _mean(result, shown_indexes) if value == "retention_rate" else (None, None)
    return CohortGrid(
        periods=tuple(names[index] for index in shown_indexes),
        rows=drawn,
        mean=mean,
        mean_n=mean_n,
        hidden_cohorts=len(starts) - len(shown_starts),
        hidden_periods=len(indexes) - len(shown_indexes),
        measure=result.columns[value].description,
        grain=str(result.values.get("grain") or result.columns["cohort_period"].unit),
    )


def _mean(result: Result, indexes: list[int]) -> tuple[GridRow, GridRow]:
    """The sum of retained over the sum of at risk, complete cells only, and the latter."""
    complete = result.frame.filter("is_complete", result.frame["at_risk_count"] > 0)
    sums = {
        index: (retained, at_risk)
        for index, retained, at_risk in complete.group_by("period_index")
        .agg(pl.col("retained_count", "at_risk_count").sum())
        .iter_rows()
    }
    means, counts = [], []
    for index in indexes:
        retained, at_risk = sums.get(index, (0, 0))
        if not at_risk:
            means.append(GridCell("", None, "", "nobody"))
            counts.append(GridCell("", None, "", "nobody"))
            continue
        rate = retained / at_risk
        interval = _write_ends(*share_interval(rate, at_risk))
        means.append(GridCell(f"{rate:.0%}", rate, interval, "complete"))
        counts.append(GridCell(write_cell(at_risk, "count"), None, "", "complete"))
    return GridRow("Mean", "", tuple(means)), GridRow("n", "", tuple(counts))


def _write_ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{100 * low:.0f}-{100 * high:.0f}"
