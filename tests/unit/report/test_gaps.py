"""A section, a number, a chart or a report that fails is marked in its place; the rest is shown."""

import json
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.notebook import Warehouse
from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import Page, build_page, load_reports, render_site
from sselfie_insights.report.blocks import HeadlineBlock
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.report.formats import to_bytes
from sselfie_insights.settings import load_settings
from sselfie_insights.warehouse.gaps import Gap

OWN = """
title: Mine
description: Of my own.
sections:
  - type: headline
    items:
      - {label: Members, query: churn/churn_by_month, column: closing_member_count}
      - {label: Nothing, query: churn/churn_by_month, column: no_such_column}
  - {type: table, title: "<Gone>", query: churn/no_such_query, columns: [month]}
  - {type: table, title: Months, query: churn/churn_by_month, columns: [month]}
  - {type: line, title: Line, query: churn/churn_by_month, x: month, y: [closing_member_count]}
"""
REASON = "unknown query 'churn/no_such_query'"


@pytest.fixture
def own(business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Page, list[Gap]]:
    """A report with a broken section and a broken number among good ones, and its gaps."""
    (tmp_path / "mine.yml").write_text(OWN)
    gaps: list[Gap] = []
    with OpenWarehouse(business) as opened:
        report = load_reports([tmp_path])["mine"]
        page = build_page(opened, report, load_library(), on_gap=gaps.append)
    return page, gaps


def test_a_section_and_a_number_that_fail_leave_the_others(own: tuple[Page, list[Gap]]) -> None:
    page, gaps = own
    assert [gap.what for gap in gaps] == [
        "headline 'Nothing' of report mine", "section '<Gone>' of report mine",
    ]  # fmt: skip
    assert page.gaps.keys() == {"<Gone>"} and page.gaps["<Gone>"].startswith(REASON)
    assert list(page.data) == ["months", "line"]
    (headline,) = (block for block in page.blocks if isinstance(block, HeadlineBlock))
    assert [(tile.label, tile.has_value) for tile in headline.tiles] == [
        ("Members", True), ("Nothing", False),
    ]  # fmt: skip
    assert "no column 'no_such_column'" in headline.tiles[1].value


def test_every_format_marks_the_gap(own: tuple[Page, list[Gap]]) -> None:
    page, _ = own
    html = render_html(page)
    assert "<h2>&lt;Gone&gt;</h2>" in html and "Not available: unknown query" in html
    assert f"Not available: {REASON}" in to_bytes(page, "table")[0].decode()
    assert json.loads(to_bytes(page, "json")[0])["gaps"]["<Gone>"].startswith(REASON)
    book = zipfile.ZipFile(BytesIO(to_bytes(page, "xlsx")[0]))
    assert f"Not available: {REASON}" in book.read("xl/sharedStrings.xml").decode()


def test_a_chart_that_cannot_be_drawn_leaves_its_numbers(
    own: tuple[Page, list[Gap]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ValueError("no such font")

    monkeypatch.setattr("sselfie_insights.report.draw.drawing.draw_chart", fail)
    gaps: list[Gap] = []
    html = render_html(own[0], on_gap=gaps.append)
    assert [gap.what for gap in gaps] == ["the chart 'Line' of report mine"]
    assert "The chart could not be drawn; its numbers are below." in html
    assert '<div class="chart"' not in html and "<summary>The numbers</summary>" in html


def test_a_wrong_parameter_is_refused_all_the_same(business: Path) -> None:
    with Warehouse(business) as warehouse:
        with pytest.raises(UsageError, match="'grain' cannot be 'decade'"):
            warehouse.page("retention", grain="decade")
        with pytest.raises(UsageError, match="no parameter 'grian'"):
            warehouse.page("retention", grian="week")


def test_broken_files_of_ones_own_stop_no_page(
    business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/broken.yml").write_text("title: [unclosed")
    (tmp_path / "reports/mine.yml").write_text(OWN.replace("churn/no_such_query", "broken"))
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries/broken.sql").write_text("select 1")

    site = render_site(load_settings(warehouse=business), tmp_path / "site")

    whats = [gap.what for gap in site.gaps]
    assert whats == [
        "query broken",
        "report broken",
        "headline 'Nothing' of report mine",
        "section '<Gone>' of report mine",
    ]
    names = {"broken", "mine", "index", *load_reports([packaged()])} - {"overview"}
    assert {page.stem for page in site.pages} == names
    broken = (tmp_path / "site/broken.html").read_text()
    assert "Not available: reports/broken.yml" in broken
    mine = (tmp_path / "site/mine.html").read_text()
    assert "Not available: queries/broken.sql does not begin with a /* … */ header." in mine
    manifest = json.loads((tmp_path / "site/manifest.json").read_text())
    assert [gap["what"] for gap in manifest["gaps"]] == whats


def packaged() -> Path:
    from sselfie_insights.resources import resource_dir

    return resource_dir("reports")


UNCOUNTED = """/*
grain: One row.
title: T
description: D
key: []
{more}
columns:
  cents: {{unit: cents, description: C.}}
  user_count: {{unit: count, description: U.}}
*/
select 1234567 as cents, 9 as user_count
"""


@pytest.mark.parametrize(
    ("more", "is_shown"),
    [("", False), ("people: user_count", True), ("no_people: A price of a list.", True)],
)
def test_a_query_that_counts_no_people_is_a_gap(
    business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, is_shown: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "own.sql").write_text(UNCOUNTED.format(more=more))
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "mine.yml").write_text(
        "title: M\ndescription: D\nsections:\n"
        "  - {type: headline, items: [{label: Cents, query: own, column: cents}]}\n"
        "  - {type: table, title: Own, query: own, columns: [cents]}\n"
    )
    gaps: list[Gap] = []
    with OpenWarehouse(business) as opened:
        report = load_reports()["mine"]
        page = build_page(opened, report, load_library(), on_gap=gaps.append)
    html = render_html(page)
    assert ("12,345.67" in html) is is_shown
    assert [gap.what for gap in gaps] == (
        [] if is_shown else ["headline 'Cents' of report mine", "section 'Own' of report mine"]
    )
    for gap in gaps:
        assert gap.reason.startswith("queries/own.sql does not say how many people")
        assert "people: user_count" in gap.reason
