"""Queries and reports over what the README's own commands make of a real Postgres."""

import re
import shutil
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from markupsafe import escape

from sselfie_insights.query import (
    OpenWarehouse,
    Result,
    find_query,
    load_library,
    run_query,
)
from sselfie_insights.query.describe import describe_query
from sselfie_insights.query.lineage import load_models, read_tables, trace
from sselfie_insights.report import load_reports
from sselfie_insights.report.export import export_warehouse
from tests.integration.conftest import Business, Walk
from tests.support.docs import NEWCOMER, read_blocks

LIBRARY = load_library()
BREAKDOWNS = ("product", "first_product", "acquisition", "brand_style")
LARGEST = 300 * 1024


@pytest.fixture
def business(walk: Walk) -> Business:
    return walk.business


@pytest.fixture
def site(business: Business) -> Path:
    """The pages that ``sselfie run`` wrote."""
    return business.settings.output_dir / "site"


def test_a_newcomer_reads_a_correct_number_after_fewer_than_five_commands(
    walk: Walk,
) -> None:
    business, said = walk
    assert len(NEWCOMER) < 5
    movements = business.answers["revenue/mrr_movements"].filter(pl.col("currency") == "usd")
    cents = movements.sort("month")["closing_mrr_cents"][-1]
    assert cents > 0
    printed = rf"^MRR, USD +\${cents // 100:,}\.{cents % 100:02} "
    assert re.search(printed, said[-1], re.MULTILINE), said[-1]


def run(business: Business, name: str, **given: str) -> Result:
    with OpenWarehouse(business.settings.warehouse) as opened:
        query = find_query(name, LIBRARY)
        return run_query(opened, query, given)


def test_every_query_runs_and_its_key_tells_rows_apart(business: Business) -> None:
    with OpenWarehouse(business.settings.warehouse) as opened:
        for name, query in LIBRARY.items():
            # A key may hold what names a person; without one there is a single row.
            frame = run_query(opened, query, with_personal_data=True).frame
            distinct = frame.select(query.key).n_unique() if query.key else 1
            assert frame.height == distinct or frame.is_empty(), name


@pytest.mark.parametrize("breakdown", BREAKDOWNS)
@pytest.mark.parametrize(
    ("name", "keys", "sums"),
    [
        ("subscriber_cohorts", [], ["cohort_size", "at_risk_count", "retained_count"]),
        ("revenue_cohorts", ["currency"], ["cohort_size", "mrr_cents"]),
        ("activity_cohorts", [], ["cohort_size", "at_risk_count", "retained_count"]),
    ],
)
def test_segments_add_up_to_the_whole(
    business: Business, name: str, keys: list[str], sums: list[str], breakdown: str
) -> None:
    keys = ["cohort_period", *keys, "period_index"]
    whole = run(business, f"retention/{name}").frame.sort(keys)
    parts = run(business, f"retention/{name}", breakdown=breakdown).frame
    assert parts["segment"].n_unique() > 1
    added = (
        parts.group_by(keys)
        .agg(
            *(
                pl.when(pl.col(column).is_not_null().any()).then(pl.col(column).sum()).alias(column)
                for column in sums
            ),
            pl.col("is_complete").first(),
        )
        .sort(keys)
    )
    assert added.equals(whole.select(*keys, *sums, "is_complete"))


@pytest.mark.parametrize("breakdown", ["none", *BREAKDOWNS])
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *product(["subscriber_cohorts", "activity_cohorts"], ["on", "on_or_after", "bracket"]),
        ("revenue_cohorts", None),
    ],
)
def test_since_and_until_choose_whole_cohorts(
    business: Business, name: str, mode: str | None, breakdown: str
) -> None:
    given = {"breakdown": breakdown} | ({"mode": mode} if mode else {})
    whole = run(business, f"retention/{name}", **given).frame
    months = pl.col("cohort_period").is_between(date(2025, 12, 1), date(2026, 3, 1))
    chosen = run(business, f"retention/{name}", **given, since="2025-12-10", until="2026-03-01")
    cells = chosen.frame.filter(pl.col("cohort_period").is_not_null())
    assert cells.equals(whole.filter(months))
    assert 0 < cells.height < whole.height


def test_segments_and_the_whole_have_equal_intervals_for_equal_counts(business: Business) -> None:
    whole = run(business, "retention/subscriber_cohorts").frame
    parts = run(business, "retention/subscriber_cohorts", breakdown="acquisition").frame
    keys = ["at_risk_count", "retained_count"]
    both = (
        whole.select(*keys, "low", "high", "retention_rate")
        .unique()
        .join(parts.select(*keys, "low", "high", "retention_rate").unique(), on=keys)
        .drop_nulls()
    )
    assert both.height > 3
    for column in ("low", "high", "retention_rate"):
        assert (both[column] - both[f"{column}_right"]).abs().max() < 1e-12  # type: ignore[operator]


def test_every_report_is_drawn_in_300_kb(site: Path) -> None:
    pages = list(site.glob("*.html"))
    # The overview is what opens first.
    assert {page.stem for page in pages} == {"index", "glossary", *load_reports()} - {"overview"}
    for page in pages:
        assert page.stat().st_size <= LARGEST, page.name


def test_lineage_goes_back_to_the_tables_of_the_source(business: Business) -> None:
    models = load_models(business.settings.warehouse)
    layers = trace(["marts.academy_by_course"], models)
    assert "staging.stg_app__academy_courses" in layers["staging"]
    assert {"source.academy_courses", "source.user_academy_enrollments"} <= set(layers["source"])
    assert "source.email_sends" not in layers["source"]
    # Lists are named in a loop there, which only dbt itself can follow.
    assert "source.freebie_subscribers" in trace(["marts.dim_users"], models)["source"]
    # An e-mail address may hide behind a payment, so revenue reads the users too.
    assert {"source.stripe_payments", "source.users"} <= set(
        trace(["marts.mrr_movements"], models)["source"]
    )
    for query in LIBRARY.values():
        for name in read_tables(query):
            if name.startswith(("marts.", "staging.", "snapshots.")):
                assert models[name].description.startswith("One row"), (query.name, name)


def test_a_query_and_a_page_say_what_their_tables_hold(business: Business, site: Path) -> None:
    models = load_models(business.settings.warehouse)
    printed = describe_query(find_query("quality/dropped_rows", LIBRARY), {}, models)
    assert models["marts.dropped_rows"].description.partition(":")[0] in printed
    assert "Made from, the source first:\nsource " in printed
    assert "The rows behind it:\n  sselfie query run quality/dropped_row_list\n" in printed
    dropped_rows = escape(models["marts.dropped_rows"].description)
    page = (site / "quality.html").read_text()
    assert f"<code>marts.dropped_rows</code> {dropped_rows}" in page
    assert "The rows behind it: <code>quality/dropped_row_list</code>." in page


def test_notebooks_read_what_the_documents_say(
    business: Business, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    shutil.copy(business.settings.warehouse, tmp_path / "out" / "demo.duckdb")
    notebook, python = read_blocks("docs/other-tools.md", "Notebooks")
    exported = {
        name: LIBRARY[name] for name in ("retention/subscriber_cohorts", "revenue/mrr_movements")
    }
    with OpenWarehouse(tmp_path / "out" / "demo.duckdb") as opened:
        export_warehouse(opened, tmp_path / "out" / "export", exported)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(notebook.text, names)  # noqa: S102
    movements = run(business, "revenue/mrr_movements").frame
    assert 0 < names["movements"].height <= movements.height
    assert names["movements"].equals(movements.filter(pl.col("month") >= date(2026, 1, 1)))
    assert names["retention"].data
    exec(python.text, names)  # noqa: S102
    cohorts, whole = names["cohorts"], run(business, "retention/subscriber_cohorts").frame
    assert cohorts.columns == whole.columns and cohorts.height == whole.height
    for name in whole.columns:  # small groups are hidden, and nothing else is
        is_shown = cohorts[name].is_not_null()
        assert cohorts[name].filter(is_shown).equals(whole[name].filter(is_shown)), name
    assert 0 < cohorts["cohort_size"].count() < whole["cohort_size"].count()
    # A BI tool's way: a DuckDB of its own that attaches the file, or reads the folder.
    with duckdb.connect() as tool:
        tool.execute("attach 'out/demo.duckdb' as business (read_only)")
        attached = tool.sql("select sum(closing_mrr_cents) from business.marts.mrr_movements")
        assert attached.fetchone() == (movements["closing_mrr_cents"].sum(),)
        exported = tool.sql(
            "select count(exported.closing_mrr_cents), bool_and(exported.closing_mrr_cents ="
            " mrr_movements.closing_mrr_cents)"
            " from 'out/export/parquet/revenue/mrr_movements.parquet' as exported"
            " inner join business.marts.mrr_movements using (month, currency)"
        ).fetchone()
        assert exported is not None and exported[0] > 0 and exported[1]
        with pytest.raises(duckdb.Error, match="read-only"):
            tool.execute("delete from business.marts.mrr_movements")
