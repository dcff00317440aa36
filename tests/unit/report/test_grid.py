from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from sselfie_insights.query.header import Column
from sselfie_insights.query.result import Result
from sselfie_insights.report.grid import CohortGrid, build_grid
from sselfie_insights.report.rows import keep_rows
from tests.support.pages import suppress_alone

UNITS = {
    "cohort_period": "month", "period_index": "count", "cohort_size": "count",
    "at_risk_count": "count", "retained_count": "count", "retention_rate": "rate",
    "low": "rate", "high": "rate", "is_complete": "flag", "is_in_mean": "flag",
    "is_mean": "flag",
}  # fmt: skip
JAN, FEB, MAR, APR = (date(2026, month, 1) for month in range(1, 5))


def make() -> Result:
    """Four cohorts of 10, 20, 3 and 0; as of the middle of April.

    March is in no mean. Means of k=0: 30/30; k=1: (5+19)/30, of January and February; k=2: 0/10, of
    January.
    """
    rows: list[tuple[Any, ...]] = []
    sizes = {JAN: 10, FEB: 20, MAR: 3, APR: 0}
    kept = {JAN: [10, 5, 0, 3], FEB: [20, 19, 4], MAR: [2, 1], APR: [0]}
    for position, (cohort, size) in enumerate(sizes.items()):
        for k in range(4):
            begun = position + k <= 3
            count = kept[cohort][k] if begun else None
            rate = count / size if count is not None and size else None
            rows.append((
                cohort, k, size, size if begun else None, count, rate,
                None if rate is None else rate / 2, None if rate is None else 1.0,
                position + k < 3, position + k < 3 and size > 3, False,
            ))  # fmt: skip
    for k, (n, x, low, high) in enumerate(
        [(30, 30, 0.8865, 1.0), (30, 24, 0.6269, 0.9050), (10, 0, 0.0, 0.2775)]
    ):
        rows.append((None, k, n, n, x, x / n, low, high, True, None, True))
    frame = pl.DataFrame(rows, schema=list(UNITS), orient="row")
    columns = {name: Column(unit=unit, description=f"{name}.") for name, unit in UNITS.items()}  # type: ignore[arg-type]
    columns["retention_rate"] = Column(
        unit="rate", of="at_risk_count", interval=("low", "high"), description="retention_rate."
    )
    return Result(
        "q", frame, columns, ("cohort_period", "period_index"), ("cohort_size",), {}, None,
        group=("cohort_period",),
    )  # fmt: skip


@pytest.fixture
def grid() -> CohortGrid:
    return build_grid(suppress_alone(make()), "retention_rate", cohorts=18, periods=18)


def states(grid: CohortGrid) -> list[list[str]]:
    return [[cell.state for cell in row.cells] for row in grid.rows]


def test_each_cell_says_what_it_is(grid: CohortGrid) -> None:
    assert states(grid) == [
        ["complete", "complete", "complete", "running"],
        ["complete", "complete", "running", "not_begun"],
        ["suppressed"] * 4,
        ["nobody", "nobody", "nobody", "nobody"],
    ]


def test_a_rate_of_0_is_shown_and_what_has_not_begun_is_empty(grid: CohortGrid) -> None:
    texts = [[cell.text for cell in row.cells] for row in grid.rows]
    assert texts == [
        ["100%", "50%", "0%", "30%"], ["100%", "95%", "20%", ""], [""] * 4, [""] * 4,
    ]  # fmt: skip


def test_a_small_cohort_keeps_its_name_only(grid: CohortGrid) -> None:
    assert [(row.label, row.size) for row in grid.rows] == [
        ("Jan 2026", "10"), ("Feb 2026", "20"), ("Mar 2026", "<5"), ("Apr 2026", "0"),
    ]  # fmt: skip


def test_the_mean_is_that_of_the_query(grid: CohortGrid) -> None:
    assert grid.mean is not None and grid.mean_n is not None
    assert [(cell.text, cell.state) for cell in grid.mean.cells] == [
        ("100%", "complete"), ("80%", "complete"), ("0%", "complete"), ("", "nobody"),
    ]  # fmt: skip
    # Shades go from the lowest, 0 %, to the highest after the first period, 95 %.
    assert [cell.share for cell in grid.mean.cells] == [1.0, 0.80 / 0.95, 0.0, None]
    assert grid.mean.size == ""
    assert [cell.interval for cell in grid.mean.cells] == ["89-100", "63-90", "0-28", ""]
    assert [cell.text for cell in grid.mean_n.cells] == ["30", "30", "10", ""]


def test_a_mean_and_a_cell_that_are_hidden_say_so() -> None:
    whole = make()
    is_hidden = (pl.col("is_mean") | (pl.col("cohort_period") == JAN)) & (
        pl.col("period_index") == 1
    )
    marks = whole.frame.select(
        cohort_size=pl.when(is_hidden & pl.col("is_mean"))
        .then(pl.lit("hidden"))
        .otherwise(pl.lit("")),
        retained_count=pl.when(is_hidden).then(pl.lit("hidden")).otherwise(pl.lit("")),
    )
    frame = whole.frame.with_columns(
        pl.when(~is_hidden).then(pl.col("retained_count", "retention_rate"))
    )
    grid = build_grid(
        replace(whole, data=frame, marks=marks), "retention_rate", cohorts=18, periods=18
    )
    assert states(grid)[0] == ["complete", "suppressed", "complete", "running"]
    assert grid.rows[0].size == "10"
    assert grid.mean is not None and grid.mean_n is not None
    assert [cell.state for cell in grid.mean.cells] == [
        "complete", "suppressed", "complete", "nobody",
    ]  # fmt: skip
    assert [cell.text for cell in grid.mean_n.cells] == ["30", "", "10", ""]


def test_the_interval_stands_in_the_cell(grid: CohortGrid) -> None:
    assert grid.rows[0].cells[1].interval == "25-100"


def test_what_is_cut_is_counted(grid: CohortGrid) -> None:
    small = build_grid(make(), "retention_rate", cohorts=2, periods=3)
    assert [row.label for row in small.rows] == ["Mar 2026", "Apr 2026"]
    assert small.periods == ("0", "1", "2")
    assert (small.hidden_cohorts, small.hidden_periods) == (2, 1)


def test_counts_are_shaded_by_the_largest() -> None:
    counts = build_grid(make(), "retained_count", cohorts=18, periods=18)
    assert counts.mean is None
    assert [(cell.text, cell.share) for cell in counts.rows[0].cells] == [
        ("10", 0.5), ("5", 0.25), ("0", 0.0), ("3", 0.15),
    ]  # fmt: skip


def test_a_period_that_no_cohort_has_reached_is_no_column() -> None:
    whole = suppress_alone(make())

    def draw(*cohorts: date) -> CohortGrid:
        chosen = keep_rows(whole, whole.frame["cohort_period"].is_in(cohorts))
        return build_grid(chosen, "retention_rate", cohorts=18, periods=2)

    # February has reached the periods 0 to 2; of March nothing is printed.
    assert (draw(FEB, MAR, APR).periods, draw(FEB, MAR, APR).hidden_periods) == (("0", "1"), 1)
    assert (draw(MAR).periods, draw(MAR).hidden_periods) == (("0",), 0)
