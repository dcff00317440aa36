"""An attacker reads what every page shows of simulated businesses, and finds no small group."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from random import Random

import pytest

from sselfie_insights.build.derived import write_derived
from sselfie_insights.forecast import write_forecasts
from sselfie_insights.query.cells import HIDDEN
from sselfie_insights.query.library import load_library
from sselfie_insights.query.write import to_csv
from sselfie_insights.report import Page
from sselfie_insights.report.definition import load_reports
from sselfie_insights.report.page import build_page
from sselfie_insights.report.results import Results
from sselfie_insights.report.site import build_pages
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse.reading import OpenWarehouse
from tests.integration.conftest import Business, mirrored_business
from tests.support.attacker import Attack, read_tables
from tests.support.models import run_in_duckdb

BUSINESSES = 200
"""Those of 10 to 300 users that the slow test attacks."""


def _pages(settings: Settings) -> list[Page]:
    return list(build_pages(settings, lambda _: None))


def test_the_pages_of_a_business_give_no_small_group_away(built_business: Business) -> None:
    attack = Attack(read_tables(_pages(built_business.settings)))
    assert "<5" in attack.marks.values()
    assert HIDDEN in attack.marks.values()
    assert attack.find_known() == []


def test_the_attacker_would_find_what_is_not_protected(built_business: Business) -> None:
    tables = read_tables(_pages(built_business.settings))
    for row in tables["churn_by_month"]:
        for column, text in row.items():
            if text == HIDDEN:
                row[column] = "9"
    attack = Attack(tables)
    assert attack.find_known() != []


def test_a_page_alone_hides_what_the_site_hides(built_business: Business) -> None:
    library = load_library()
    with OpenWarehouse(built_business.settings.warehouse) as warehouse:
        for page in _pages(built_business.settings):
            alone = build_page(warehouse, page.report, library)
            assert read_tables([alone]) == read_tables([page]), page.report.name


def test_what_is_asked_for_later_moves_nothing_on_the_site(built_business: Business) -> None:
    with OpenWarehouse(built_business.settings.warehouse) as warehouse:
        site, later = Results(warehouse, load_library()), Results(warehouse, load_library())
        later.answer("engagement/active_users", {"grain": "day"})
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


def test_a_number_of_members_is_hidden_wherever_it_stands(built_business: Business) -> None:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for page in _pages(built_business.settings):
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
def test_the_pages_of_a_small_business_give_no_small_group_away(small_business: Settings) -> None:
    assert Attack(read_tables(_pages(small_business))).find_known() == []
