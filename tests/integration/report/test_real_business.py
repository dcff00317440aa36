"""Queries and reports over marts that dbt built from a real Postgres."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from markupsafe import escape

from sselfie_insights.query import (
    Result,
    find_query,
    load_library,
    open_warehouse,
    read_stamp,
    run_query,
)
from sselfie_insights.query.describe import describe_query
from sselfie_insights.query.lineage import load_models, read_tables, trace
from sselfie_insights.report import load_reports, read_headlines, render_site
from tests.integration.conftest import Business

pytestmark = pytest.mark.parametrize("business", [1], indirect=True)
BREAKDOWNS = ("product", "first_product", "acquisition", "brand_style")
LARGEST = 300 * 1024
README = (Path(__file__).parents[3] / "README.md").read_text()


def run(business: Business, name: str, **given: str) -> Result:
    with open_warehouse(business.settings.warehouse) as connection:
        query = find_query(name, load_library())
        return run_query(connection, query, read_stamp(connection), given)


def test_every_query_runs_and_its_key_tells_rows_apart(business: Business) -> None:
    with open_warehouse(business.settings.warehouse) as connection:
        stamp = read_stamp(connection)
        for name, query in load_library().items():
            # A key may hold what names a person; without one there is a single row.
            frame = run_query(connection, query, stamp, with_personal_data=True).frame
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


def test_intervals_of_segments_are_those_of_the_mart(business: Business) -> None:
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


def test_every_report_is_drawn_in_300_kb(business: Business, tmp_path: Path) -> None:
    site = render_site(business.settings, tmp_path)
    assert len(site.pages) == len(load_reports())
    for page in site.pages:
        assert page.stat().st_size <= LARGEST, page.name


def test_the_headline_equals_the_answer_key(business: Business) -> None:
    movements = business.answers["revenue/mrr_movements"]
    last = movements.filter(
        pl.col("month") == movements["month"].max(), pl.col("currency") == "usd"
    )
    cents = last["closing_mrr_cents"].item()
    tiles = {tile.label: tile.value for tile in read_headlines(business.settings)}
    assert tiles["MRR, USD"] == f"{cents // 100:,}.{cents % 100:02}"


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
    for query in load_library().values():
        for name in read_tables(query):
            if name.startswith(("marts.", "staging.", "snapshots.")):
                assert models[name].description.startswith("One row"), (query.name, name)


def test_a_query_and_a_page_say_what_their_tables_hold(business: Business, tmp_path: Path) -> None:
    models = load_models(business.settings.warehouse)
    told = describe_query(find_query("quality/dropped_rows", load_library()), {}, models)
    assert models["marts.dropped_rows"].description.partition(":")[0] in told
    assert "Made from, the source first:\nsource " in told
    page = render_site(business.settings, tmp_path).index.with_name("quality.html").read_text()
    assert (
        f"<code>marts.dropped_rows</code> {escape(models['marts.dropped_rows'].description)}"
        in page
    )


def run_line(line: str, folder: Path, **environment: str) -> str:
    """Run a line of the README in ``folder`` and return what it printed to stdout."""
    words = shlex.split(line, comments=True)
    assert words[0] == "sselfie"
    done = subprocess.run(
        [sys.executable, "-m", "sselfie_insights", *words[1:]],
        cwd=folder,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout


def code_blocks(title: str, language: str) -> list[str]:
    section = README.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def test_a_newcomer_reads_a_correct_number_after_fewer_than_five_commands(
    business: Business, tmp_path: Path
) -> None:
    lines = [
        line
        for line in code_blocks("Your own database", "sh")[0].splitlines()
        if line.startswith("sselfie ")
    ]
    assert 0 < len(lines) < 5
    warehouse = tmp_path / "w.duckdb"
    environment = {
        "SSELFIE_DATABASE_URL": business.settings.require_database_url(),
        "SSELFIE_WAREHOUSE": str(warehouse),
    }
    for line in lines:
        if line.split()[1] in ("build", "run"):
            # The slow step was taken once for all tests here, over this very database.
            shutil.copy(business.settings.warehouse, warehouse)
        else:
            run_line(line, tmp_path, **environment)
    said = run_line("sselfie report show overview", tmp_path, **environment)
    movements = business.answers["revenue/mrr_movements"].filter(pl.col("currency") == "usd")
    cents = movements.sort("month")["closing_mrr_cents"][-1]
    assert re.search(rf"^MRR, USD +{cents // 100:,}\.{cents % 100:02} ", said, re.MULTILINE)


def test_notebooks_and_bi_tools_read_what_the_readme_says(
    business: Business, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    shutil.copy(business.settings.warehouse, tmp_path / "out" / "demo.duckdb")
    for line in code_blocks("Exports and notebooks", "sh")[0].splitlines():
        run_line(line, tmp_path, SSELFIE_WAREHOUSE="out/demo.duckdb")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code_blocks("Exports and notebooks", "python")[0], names)  # noqa: S102
    movements = run(business, "revenue/mrr_movements").frame
    assert names["movements"].height == movements.height > 0
    assert names["cohorts"].equals(run(business, "retention/subscriber_cohorts").frame)
    # A BI tool's way: a DuckDB of its own that attaches the file, or reads the folder.
    with duckdb.connect() as tool:
        tool.execute("attach 'out/demo.duckdb' as business (read_only)")
        attached = tool.sql("select sum(closing_mrr_cents) from business.marts.mrr_movements")
        exported = tool.sql(
            "select sum(closing_mrr_cents) from 'out/export/parquet/revenue/mrr_movements.parquet'"
        )
        assert attached.fetchone() == exported.fetchone() == (movements["closing_mrr_cents"].sum(),)
        with pytest.raises(duckdb.Error, match="read-only"):
            tool.execute("delete from business.marts.mrr_movements")
