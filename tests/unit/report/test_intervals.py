import polars as pl
import pytest

from sselfie_insights.query.header import Column
from sselfie_insights.query.result import Result
from sselfie_insights.report import Page
from sselfie_insights.report.intervals import show_intervals

COLUMNS = {
    "month": Column(unit="month", description=""),
    "people": Column(unit="count", description=""),
    "share": Column(unit="rate", of="people", interval=("least", "most"), description=""),
    "least": Column(unit="rate", of="people", description=""),
    "most": Column(unit="rate", of="people", description=""),
    "grr": Column(unit="rate", description=""),
}


def test_a_table_shows_n_before_a_rate_and_the_ends_after_a_share() -> None:
    result = Result("q", pl.DataFrame(), COLUMNS, ("month",), ("people",), {}, None)
    assert show_intervals({"month": "Month", "share": "Share"}, result) == {
        "month": "Month", "people": "n", "share": "Share", "least": "Low", "most": "High",
    }  # fmt: skip
    listed = {"people": "People", "grr": "GRR"}
    assert show_intervals(listed, result) == listed, "a rate of money has an n, and no interval"


@pytest.mark.parametrize(
    ("report", "section"),
    [
        ("overview", "logo-churn"),
        ("churn", "logo-churn-rate"),
        ("churn", "members-month-by-month"),
        ("activation", "the-funnel-of-the-last-complete-month-of-signups"),
        ("activation", "activation-by-signup-month"),
        ("activation", "product-ladder"),
        ("engagement", "feature-adoption"),
        ("engagement", "feature-adoption-by-month"),
    ],
)
def test_shares_on_the_pages_stand_beside_their_intervals(
    pages: dict[str, Page], report: str, section: str
) -> None:
    block = pages[report].data[section]
    [(low, high)] = [c.interval for c in block.result.columns.values() if c.interval]
    assert {low, high} <= set(block.result.columns), "in the files"
    at = block.table.headers.index("Low")
    assert block.table.headers[at + 1] == "High"
    row = next(row for row in block.table.rows if row[at])
    least, share, most = (float(row[i].rstrip("%")) for i in (at, at - 1, at + 1))
    assert 0 <= least <= share <= most <= 100
