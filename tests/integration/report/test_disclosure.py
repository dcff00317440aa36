"""An attacker reads what every page shows of simulated businesses, and finds no small group."""

import csv
import io
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import duckdb
import polars as pl
import pytest

from sselfie_insights.alerts import evaluate, load_watches
from sselfie_insights.alerts.evaluate import ALERTS_SCHEMA
from sselfie_insights.build.derived import write_derived
from sselfie_insights.forecast import write_forecasts
from sselfie_insights.query.cells import HIDDEN
from sselfie_insights.query.csv_file import to_csv
from sselfie_insights.query.library import is_public, load_library
from sselfie_insights.query.parameters import check_values
from sselfie_insights.query.result import Result
from sselfie_insights.report import Page
from sselfie_insights.report.definition import load_reports
from sselfie_insights.report.export import export_warehouse
from sselfie_insights.report.page import build_page
from sselfie_insights.report.results import Results
from sselfie_insights.report.site import build_pages
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse.closed import write_row_key
from sselfie_insights.warehouse.frames import write_table
from sselfie_insights.warehouse.reading import OpenWarehouse
from tests.integration.conftest import Business, mirrored_business
from tests.support.attacker import Attack
from tests.support.models import run_in_duckdb
from tests.support.unknowns import read_tables

BUSINESSES = 200
"""Those of 10 to 300 users that the slow test attacks."""


def _pages(settings: Settings) -> list[Page]:
    return list(build_pages(settings, lambda _: None))


@pytest.fixture(scope="module")
def site(built_business: Business) -> list[Page]:
    return _pages(built_business.settings)


@pytest.mark.slow
def test_the_pages_of_a_business_give_no_small_group_away(site: list[Page]) -> None:
    """With fewer equations than with an export beside them, which is no slow test."""
    attack = Attack(read_tables(site))
    assert "<5" in attack.marks.values()
    assert HIDDEN in attack.marks.values()
    assert attack.find_known() == []


def _export(settings: Settings) -> list[Result]:
    """What the public queries of an export that count people hold."""
    library = load_library()
    with OpenWarehouse(settings.warehouse) as warehouse:
        results = Results(warehouse, library)
        results.add_public()
        public = [name for name in library if is_public(library[name]) and library[name].people]
        return [results.find(name, {}, {}) for name in public]


def test_an_export_beside_the_site_gives_no_small_group_away(
    built_business: Business, site: list[Page]
) -> None:
    tables = read_tables(site, _export(built_business.settings))
    assert {"lifecycle", "churn_by_plan", "since", "cohort_usage"} <= tables.keys()
    attack = Attack(tables)
    assert {"<5", HIDDEN} <= set(attack.marks.values())
    assert attack.find_known() == []


def _read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def test_every_file_of_an_export_hides_the_same(
    built_business: Business, site: list[Page], tmp_path: Path
) -> None:
    settings, library = built_business.settings, load_library()
    with OpenWarehouse(settings.warehouse) as warehouse:
        export_warehouse(warehouse, tmp_path / "x", library)
    hidden = 0
    public = {name for name in library if is_public(library[name])}
    for name in sorted(public):
        rows = _read_csv(tmp_path / f"x/csv/{name}.csv")
        stored = pl.read_parquet(tmp_path / f"x/parquet/{name}.parquet")
        for column in library[name].people:
            texts = [row[column] for row in rows]
            assert set(texts) & {"1", "2", "3", "4"} == set(), (name, column)
            numbers = [int(text) if text.isdigit() else None for text in texts]
            assert stored[column].to_list() == numbers, (name, column)
            hidden += sum(text in ("<5", HIDDEN) for text in texts)
    assert hidden > 100

    compared = set()
    for block in (block for page in site for block in page.data.values()):
        shown = block.result
        if shown.values != check_values(library[shown.name], {}):
            continue
        rows = _read_csv(tmp_path / f"x/csv/{shown.name}.csv")
        exported = {tuple(row[key] for key in shown.key): row for row in rows}
        for row in csv.DictReader(io.StringIO(to_csv(shown).decode())):
            assert row == exported[tuple(row[key] for key in shown.key)], shown.name
        compared.add(shown.name)
    assert len(compared) > 30


WATCHED = """alerts:
  - {name: products, query: revenue/mrr_by_product, where: {currency: usd}, each: product_type,
     column: mrr_cents, n: member_count, least: 1, above: 0}
  - {name: net, query: revenue/revenue_by_month, where: {currency: usd}, each: product_type,
     column: net_cents, n: payment_count, least: 1, above: 0}
  - {name: features, query: engagement/feature_adoption, each: feature, column: adoption_rate,
     trials: user_count, least: 1, above: 0}
"""


def test_an_alert_repeats_no_hidden_number(built_business: Business, tmp_path: Path) -> None:
    path = Path(shutil.copy(built_business.settings.warehouse, tmp_path / "w.duckdb"))
    (tmp_path / "alerts.yml").write_text(WATCHED)
    with OpenWarehouse(path) as warehouse:
        watches = load_watches(tmp_path / "alerts.yml")
        rows = [row | {"position": n} for n, row in enumerate(evaluate(warehouse, watches))]
    with duckdb.connect(path) as connection:
        write_table(connection, "growth.alerts", pl.DataFrame(rows, ALERTS_SCHEMA))
    with OpenWarehouse(path) as warehouse:
        results = Results(warehouse, load_library())
        alerts = results.answer("growth/alerts_now", {}).frame.to_dicts()
        shown = {}
        for watch in watches:
            table = results.answer(watch.query, watch.values)
            for row in table.frame.iter_rows(named=True):
                shown[watch.query, write_row_key(table.key, row), watch.column] = row
    judged = [row for row in alerts if row["query"] is not None]
    said = {True: 0, False: 0}
    for row in judged:
        there = shown[row["query"], row["row_key"], row["measure"]]
        is_shown = None not in (there[row["measure"]], there[row["behind"]])
        numbers = [row[name] for name in ("value", "n", "person_count", "detail")]
        assert (None not in numbers) if is_shown else set(numbers) == {None}, row["part"]
        said[is_shown] += 1
    assert said[True] > 3 and said[False] > 3


def test_the_attacker_would_find_what_is_not_protected(site: list[Page]) -> None:
    tables = read_tables(site)
    for row in tables["churn_by_month"]:
        for column, text in row.items():
            if text == HIDDEN:
                row[column] = "9"
    attack = Attack(tables)
    assert attack.find_known() != []


def test_a_page_alone_hides_what_the_site_hides(built_business: Business, site: list[Page]) -> None:
    library = load_library()
    with OpenWarehouse(built_business.settings.warehouse) as warehouse:
        for page in site:
            alone = build_page(warehouse, page.report, library)
            assert read_tables([alone]) == read_tables([page]), page.report.name


def test_what_is_asked_for_later_moves_nothing_on_the_site(built_business: Business) -> None:
    with OpenWarehouse(built_business.settings.warehouse) as warehouse:
        site, later = Results(warehouse, load_library()), Results(warehouse, load_library())
        later.answer("engagement/active_users", {"grain": "week"})
        for report in load_reports().values():
            site.add(report, {})
            later.add(report, {})
            for source in report.sources:
                before = site.find(source.query, {}, source.values)
                after = later.find(source.query, {}, source.values)
                assert before.frame.equals(after.frame), source.query


MEMBERS = {
    "mrr_movements": ("month", "member_count"),
    "mrr_outlook": ("counted_on", "n"),
    "mrr_projection": ("origin_month", "n"),
    "ltv_by_product": ("people", "member_count"),
    "since": ("until_on", "now_count"),
}
"""Where members with MRR in a currency at a month's end stand: columns of the day, and of them."""


def test_a_number_of_members_is_hidden_wherever_it_stands(site: list[Page]) -> None:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for page in site:
        for block in page.data.values():
            name = block.result.name.rpartition("/")[2]
            day, count = MEMBERS.get(name, ("", ""))
            for row in csv.DictReader(io.StringIO(to_csv(block.result).decode())) if day else ():
                month = row[day].removeprefix("members on ")[:7]
                if row.get("measure", "mrr") == "mrr" and row.get("product_type", "all") == "all":
                    found[month, row["currency"]].add(row[count])
    hidden = {key for key, texts in found.items() if texts & {"<5", HIDDEN}}
    assert len(hidden) > 5
    assert {key: texts for key, texts in found.items() if len(texts) > 1} == {}


@pytest.fixture
def small_business(
    request: pytest.FixtureRequest, built_business: Business, server: str, tmp_path: object
) -> Iterator[Settings]:
    seed: int = request.param
    users = Random(seed).randint(10, 300)
    with mirrored_business(
        server,
        tmp_path,  # type: ignore[arg-type]
        seed=seed,
        users=users,
        shape="documented",
        zone="UTC",
    ) as made:
        warehouse = made.settings.warehouse
        run_in_duckdb(built_business.settings.warehouse, warehouse, "UTC")
        write_forecasts(warehouse, discount_rate=0.01)
        write_derived(warehouse, warehouse)
        yield made.settings


@pytest.mark.slow
@pytest.mark.parametrize("small_business", range(1000, 1000 + BUSINESSES), indirect=True)
def test_a_small_business_gives_no_small_group_away(small_business: Settings) -> None:
    tables = read_tables(_pages(small_business), _export(small_business))
    assert Attack(tables).find_known() == []
