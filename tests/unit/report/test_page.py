"""Parameters, splitting and what each section hands to the renderers."""

import shutil
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import Page, build_page, load_reports
from sselfie_insights.report.blocks import HeadlineBlock
from sselfie_insights.report.draw.html import render_html

# 300 KB a page, DESIGN §6.
LARGEST = 300 * 1024


def build(path: Path, name: str, **given: str) -> Page:
    with OpenWarehouse(path) as opened:
        return build_page(opened, load_reports()[name], load_library(), given)


def test_a_parameter_reaches_every_query_that_has_it(business: Path) -> None:
    page = build(business, "retention", since="2026-06-01", grain="week")
    assert "-p since=2026-06-01 -p grain=week" in page.command
    page = build(business, "retention", since="2026-06-01", breakdown="product")
    assert {name for name in page.data if name.startswith("activity")} == {
        "activity-retention-pro", "activity-retention-starter",
    }  # fmt: skip
    grid = page.data["activity-retention-pro"].grid
    assert grid is not None and grid.rows[0].label == "Jun 2026"


def test_a_grid_with_several_rows_a_cell_is_refused(business: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text(
        "title: T\ndescription: D\nsections:\n"
        "  - {type: cohort_grid, title: G, query: retention/activity_cohorts,"
        " with: {breakdown: product}}\n"
    )
    report = load_reports([tmp_path])["mine"]
    with (
        OpenWarehouse(business) as opened,
        pytest.raises(UsageError, match="several rows a cell: name the columns"),
    ):
        build_page(opened, report, load_library())


def test_cohort_grids_show_counts_when_asked(business: Path) -> None:
    block = build(business, "overview", value="retained_count").data["subscriber-retention"]
    assert block.grid is not None and block.grid.mean is None
    assert block.grid.rows[-1].cells[0].text == "20"


def test_a_grid_without_that_column_keeps_its_own(business: Path) -> None:
    page = build(business, "retention", value="retained_count")
    revenue = page.data["revenue-retention"].grid
    assert revenue is not None and revenue.rows[-1].cells[0].text == "100%"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gran": "week"}, "no parameter 'gran'; did you mean 'grain'"),
        ({"grain": "wek"}, "did you mean 'week'"),
        ({"value": "retention_rat"}, "can hold 'retention_rat'; did you mean 'retention_rate'"),
    ],
)
def test_a_wrong_parameter_is_told(business: Path, given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(business, "retention", **given)


def test_a_value_that_the_section_fixes_is_no_parameter(business: Path) -> None:
    with pytest.raises(UsageError, match="no parameter 'grain'"):
        build(business, "engagement", grain="week")


def test_the_waterfall_adds_up_to_the_cent(pages: dict[str, Page]) -> None:
    chart = pages["revenue"].data["what-moved-mrr"].chart
    assert chart is not None
    assert chart.period == "Oct 2026."
    steps = {step.label: step for step in chart.steps}
    assert steps["Churn"].end == pytest.approx(steps["Closing"].end)
    assert steps["New"].start == steps["Opening"].end


def test_the_largest_currency_comes_first_and_a_column_without_words_is_left_out(
    pages: dict[str, Page],
) -> None:
    headline, *_ = pages["forecast"].blocks
    assert isinstance(headline, HeadlineBlock)
    assert [tile.rank for tile in headline.tiles] == [0] * 4 + [1] * 3
    data = pages["forecast"].data
    assert data["mrr-projection-usd"].table.headers[-1] == "Its high"
    assert data["mrr-projection-gbp"].table.headers[-1] == "Note"
    fan = data["mrr-so-far-and-to-come"].chart
    assert fan is not None and fan.has_intervals
    assert [any(series.ends) for series in fan.series] == [True, False, False]


def test_a_running_period_is_marked_everywhere(pages: dict[str, Page]) -> None:
    for page in pages.values():
        for block in page.data.values():
            if "is_complete" in block.result.columns and block.table.rows:
                marked = [row[0].endswith("*") or "*" in row[0] for row in block.table.rows]
                assert marked == list(block.running)
            if block.chart and "is_complete" in block.result.columns:
                complete = block.chart.complete
                # Day 28 of the last weeks' cohorts is still to come.
                running = 5 if block.name == "return-on-day-1-7-and-28" else 1
                assert complete[:-running] == (True,) * (len(complete) - running)


def test_currencies_are_never_added(business: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(business, tmp_path))
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into marts.mrr_movements select * replace ('eur' as currency, 1 as arr_cents,"
            " opening_mrr_cents // 2 as opening_mrr_cents)"
            " from marts.mrr_movements"
        )
    page = build(path, "revenue")
    assert {"what-moved-mrr-usd", "what-moved-mrr-eur"} <= set(page.data)
    shown = [(block.name, block.part) for block in page.data.values() if block.family]
    # The currency with the most money is the first, by which the set is named.
    assert shown[:2] == [("what-moved-mrr-usd", "USD"), ("what-moved-mrr-eur", "EUR")]
    assert page.data["what-moved-mrr-eur"].family == "what-moved-mrr-usd"
    for block in page.data.values():
        if block.name.endswith(("-usd", "-eur")):
            assert block.result.frame["currency"].n_unique() == 1


@pytest.mark.slow
def test_a_section_is_repeated_for_the_largest_and_tells_of_the_others(
    business: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(business, tmp_path))
    with duckdb.connect(str(path)) as connection:
        measures = {"mrr_movements": "opening_mrr_cents", "revenue_by_month": "gross_cents"}
        for name, measure in measures.items():
            connection.execute(
                f"insert into marts.{name} select known.* replace ("
                f" 'x' || i as currency, {measure} // (i + 2) as {measure})"
                f" from marts.{name} as known, range(300) as others(i)"
            )
    page = build(path, "revenue")
    drawn = [name for name in page.data if name.startswith("contract-and-billed-mrr")]
    assert [name.rpartition("-")[2] for name in drawn] == ["usd", "x0", "x1", "x2"]
    printed = "the 4 largest of 301 by currency; the query revenue/mrr_movements has them all."
    assert page.data[drawn[0]].text.endswith(printed)
    # A table of all of them is cut, and says by how many rows.
    everything = (
        "title: All\ndescription: All.\nsections:\n  - {type: table, title: All,"
        " query: revenue/mrr_movements, columns: [month, currency, closing_mrr_cents]}\n"
    )
    (tmp_path / "all.yml").write_text(everything)
    with OpenWarehouse(path) as opened:
        report = load_reports([tmp_path])["all"]
        table = build_page(opened, report, load_library()).data["all"]
    assert len(table.table.rows) == 150
    assert table.left_out == table.result.frame.height - 150
    assert len(render_html(page).encode()) <= LARGEST


def test_a_chart_draws_the_longest_bars_and_tells_of_the_others(
    business: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(business, tmp_path))
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into marts.email_by_type by name select 'type ' || i as email_type,"
            " 9 as send_count, 9 as recipient_count, i as first_payment_count"
            " from range(200) as types(i)"
        )
    page = build(path, "email")
    block = page.data["first-payments-by-last-e-mail"]
    assert block.chart is not None
    assert block.chart.points[:2] == ("type 199", "type 198")
    assert len(block.chart.points) == 20
    assert block.left_out == block.result.frame.height - 20
    assert "type 180" in render_html(page)


def test_empty_marts_are_told_in_words(business: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(business, tmp_path))
    with duckdb.connect(str(path)) as connection:
        tables = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_schema in ('marts', 'forecast', 'growth') and table_name <> 'build_info'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(f"delete from {table}")
    for name in load_reports():
        page = build(path, name)
        shown = {block.title for block in page.data.values() if not block.empty}
        # They tell of the mirror and of the run.
        assert shown <= {"Where the schema differs from its documentation", "Every check"}, name


def test_a_chart_of_too_few_people_or_of_nothing_is_told_in_words(
    business: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(business, tmp_path))
    with duckdb.connect(str(path)) as connection:
        connection.execute("update marts.mrr_movements set member_count = 3")
        connection.execute("update marts.power_curve set user_count = 0")
    moved = build(path, "overview").data["what-moved-mrr"]
    assert moved.chart is None and moved.empty == "Too few people to show."
    curve = build(path, "engagement").data["power-curve"]
    assert curve.chart is None and curve.empty == "Nothing in this period."


def test_an_adjustment_that_takes_away_is_a_loss(business: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(business, tmp_path))
    with duckdb.connect(str(path)) as connection:
        connection.execute("update marts.credit_flow_by_month set adjusted_credits = -221")
    page = build(path, "credits")
    chart = page.data["credit-flow"].chart
    assert chart is not None
    [step] = [step for step in chart.steps if step.label == "Adjusted"]
    assert step.kind == "loss" and step.end == step.start - 221
    assert "\N{MINUS SIGN}221<" in render_html(page)
