from datetime import date

import polars as pl
import pytest

from sselfie_insights.query.library import Column
from sselfie_insights.query.run import Result
from sselfie_insights.report import Page
from sselfie_insights.report.intervals import add_intervals, is_share, show_intervals

COLUMNS = {
    "month": Column(unit="month", description=""),
    "people": Column(unit="count", description=""),
    "share": Column(unit="rate", of="people", description=""),
    "grr": Column(unit="rate", description=""),
}


def make() -> Result:
    # Newcombe (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20; and what is not told.
    rows = [
        (date(2026, 1, 1), 263, 81 / 263, 1.0), (date(2026, 2, 1), 148, 15 / 148, 1.0),
        (date(2026, 3, 1), 20, 0.0, 1.0), (date(2026, 4, 1), None, None, None),
        (date(2026, 5, 1), 0, None, None),
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=list(COLUMNS), orient="row")
    return Result("q", frame, COLUMNS, ("month",), ("people",), {}, None)


def test_the_interval_of_a_share_is_as_printed() -> None:
    result = add_intervals(make())
    assert list(result.columns) == ["month", "people", "share", "share_low", "share_high", "grr"]
    assert result.frame.columns == list(result.columns)
    low, high = (result.frame[name].to_list() for name in ("share_low", "share_high"))
    assert low[:3] == pytest.approx([0.2553, 0.0624, 0.0], abs=5e-5)
    assert high[:3] == pytest.approx([0.3662, 0.1605, 0.1611], abs=5e-5)
    assert low[3:] == high[3:] == [None, None]


def test_a_table_shows_n_before_a_rate_and_the_ends_after_a_share() -> None:
    result = add_intervals(make())
    assert show_intervals({"month": "Month", "share": "Share"}, result) == {
        "month": "Month", "people": "n", "share": "Share", "share_low": "Low", "share_high": "High",
    }  # fmt: skip
    listed = {"people": "People", "grr": "GRR"}
    assert show_intervals(listed, result) == listed, "a rate of money has an n, and no interval"


@pytest.mark.parametrize(
    ("report", "section"),
    [
        ("overview", "logo-churn"),
        ("churn", "logo-churn-rate"),
        ("churn", "members-month-by-month"),
        ("activation", "the-funnel-of-the-last-full-cohort"),
        ("activation", "activation-by-signup-month"),
        ("activation", "product-ladder"),
        ("engagement", "feature-adoption"),
        ("engagement", "feature-adoption-month-by-month"),
    ],
)
def test_shares_on_the_pages_stand_beside_their_intervals(
    pages: dict[str, Page], report: str, section: str
) -> None:
    block = pages[report].data[section]
    [share] = [name for name, column in block.result.columns.items() if is_share(column)]
    assert {f"{share}_low", f"{share}_high"} <= set(block.result.columns), "in the files"
    at = block.table.headers.index("Low")
    assert block.table.headers[at + 1] == "High"
    row = next(row for row in block.table.rows if row[at])
    low, share_told, high = (float(row[i].rstrip("%")) for i in (at, at - 1, at + 1))
    assert 0 <= low <= share_told <= high <= 100
