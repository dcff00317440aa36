import shutil
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import build_page, load_report, load_reports
from sselfie_insights.report.definition import humanize
from sselfie_insights.resources import resource_dir

REPORT = """
title: Mine
description: My own page.
sections:
  - type: table
    title: Losses
    query: churn/churn_by_month
    columns: [month, churned_member_count]
"""


def load(folder: Path, text: str) -> None:
    (folder / "mine.yml").write_text(text)
    load_reports([folder])


def test_an_analyst_adds_a_report_without_python(tmp_path: Path, business: Path) -> None:
    (tmp_path / "mine.yml").write_text(REPORT)
    report = load_report("mine", [tmp_path])
    with OpenWarehouse(business) as opened:
        page = build_page(opened, report, load_library())
    assert page.data["losses"].table.headers == ["Month", "Churned member"]
    assert len(page.data["losses"].table.rows) == 18


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (REPORT.replace("type: table", "type: tabel"), r"sections\.0: .*'tabel'"),
        (REPORT.replace("title: Mine\n", ""), "title: Field required"),
        (REPORT.replace("title: Losses", "title: Losses\n    titel: x"), r"titel: Extra inputs"),
        ("- 1", "the top: Input should be a valid dictionary$"),
        (REPORT.replace("[month, churned_member_count]", "[]"), r"columns: Dict.* at least 1 item"),
        (f"{REPORT}    last: 0\n", "last: Input should be greater than or equal to 1"),
        ("a: [", "is not valid YAML"),
    ],
)
def test_a_wrong_file_names_itself_and_the_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        load(tmp_path, text)
    assert str(tmp_path / "mine.yml") in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (REPORT.replace("churn_by_month", "churn_by_mont"), "did you mean 'churn/churn_by_month'"),
        (
            REPORT.replace("churned_member_count", "churned_count"),
            "section 'Losses': query churn/churn_by_month has no column 'churned_count'",
        ),
        (
            REPORT.replace("type: table", "type: line").replace(
                "columns: [month, churned_member_count]",
                "x: month\n    y: [churned_member_count, logo_churn_rate]",
            ),
            "columns of count and rate cannot share an axis",
        ),
        (
            REPORT.replace("title: Losses", "title: Losses\n    where: {moth: x}"),
            "has no column 'moth'",
        ),
        (
            REPORT.replace("type: table", "type: bar").replace(
                "columns: [month, churned_member_count]", "x: month\n    y: [month]"
            ),
            "section 'Losses': column 'month' of query churn/churn_by_month holds no numbers",
        ),
        (
            REPORT.replace("type: table", "type: cohort_grid").replace(
                "columns: [month, churned_member_count]", "value: logo_churn_rate"
            ),
            "section 'Losses': query churn/churn_by_month has no column 'cohort_period'",
        ),
        (
            REPORT.replace("churn/churn_by_month", "academy/academy_by_course").replace(
                "columns: [month, churned_member_count]", "columns: [title]\n    newest_first: true"
            ),
            "query academy/academy_by_course has no month or date in its key",
        ),
        (
            "title: T\ndescription: D\nsections:\n- type: headline\n  items:\n"
            "  - {label: L, query: churn/churn_by_month, column: month}\n",
            "headline 'L': column 'month' of query churn/churn_by_month holds no numbers",
        ),
        (
            REPORT.replace("churn/churn_by_month", "churn/members_now").replace(
                "[month, churned_member_count]", "{customer_key: Who, mrr_cents: MRR}"
            ),
            "query churn/members_now lists people, and no page shows a person",
        ),
    ],
)
def test_what_a_query_does_not_have_is_told(
    tmp_path: Path, business: Path, text: str, message: str
) -> None:
    (tmp_path / "mine.yml").write_text(text)
    report = load_reports([tmp_path])["mine"]
    with OpenWarehouse(business) as opened, pytest.raises(UsageError, match=message):
        build_page(opened, report, load_library())


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "{type: line, title: T, query: revenue/mrr_movements, x: month,"
            " y: [closing_mrr_cents]}",
            "query revenue/mrr_movements gives several rows for one month: .* under 'each'",
        ),
        (
            "{type: waterfall, title: T, query: revenue/mrr_movements, opening: opening_mrr_cents,"
            " gains: {new_mrr_cents: New}, losses: {churn_mrr_cents: Churn},"
            " closing: closing_mrr_cents}",
            "gives several rows for one month",
        ),
        (
            "{type: bar, title: T, query: revenue/revenue_by_month, x: month, y: [gross_cents],"
            " by: product_type}",
            "gives several rows for one month and product_type",
        ),
    ],
)
def test_rows_of_several_currencies_are_no_chart(
    tmp_path: Path, business: Path, section: str, message: str
) -> None:
    path = Path(shutil.copy(business, tmp_path / "w.duckdb"))
    text = f"title: T\ndescription: D\nsections:\n- {section}\n"
    (tmp_path / "mine.yml").write_text(text)
    report = load_reports([tmp_path])["mine"]
    with OpenWarehouse(path) as opened:
        build_page(opened, report, load_library())
    with duckdb.connect(str(path)) as connection:
        for mart in ("mrr_movements", "revenue_by_month"):
            connection.execute(
                f"insert into marts.{mart} select * replace ('eur' as currency) from marts.{mart}"
            )
    with OpenWarehouse(path) as opened, pytest.raises(UsageError, match=message):
        build_page(opened, report, load_library())


def test_an_unknown_report_brings_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="unknown report 'retentoin'; did you mean 'retention'"):
        load_report("retentoin")


def test_a_file_that_cannot_be_read_is_named_and_holds_up_no_other(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text(REPORT.replace("Losses", "Verluste, öfter"), "latin-1")
    (tmp_path / "other.yml").write_text(REPORT)
    with pytest.raises(UsageError, match=r"mine.yml cannot be read: 'utf-8' .* save it as UTF-8"):
        load_reports([tmp_path])
    assert load_report("other", [tmp_path]).name == "other"


def test_reports_stand_by_their_positions_and_those_without_one_follow(tmp_path: Path) -> None:
    packaged = [
        "overview", "why", "revenue", "churn", "retention", "activation", "engagement", "credits",
        "academy", "email", "growth", "forecast", "quality",
    ]  # fmt: skip
    for name in ("mine", "another"):
        (tmp_path / f"{name}.yml").write_text(REPORT)
    (tmp_path / "between.yml").write_text(f"position: 25\n{REPORT}")
    expected = [*packaged[:3], "between", *packaged[3:], "another", "mine"]
    found = load_reports([tmp_path, resource_dir("reports")])
    assert [name for name in found if name in expected] == expected


def test_names_become_headings() -> None:
    assert humanize("closing_mrr_cents") == "Closing MRR"
    assert humanize("product_type") == "Product type"


def test_no_report_takes_the_place_of_the_contents(tmp_path: Path) -> None:
    (tmp_path / "index.yml").write_text(REPORT)
    with pytest.raises(UsageError, match=r"index.yml: the page of contents is called so: rename"):
        load_reports([tmp_path])
