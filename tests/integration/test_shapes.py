"""Either shape of the database, every zone, and both engines give the numbers of the answer key."""

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg import sql

from sselfie_insights.build import build_in_postgres
from sselfie_insights.build.dbt import run_dbt
from sselfie_insights.build.postgres import describe_connection
from sselfie_insights.check import check_mirror
from sselfie_insights.query import OpenWarehouse
from sselfie_insights.simulate import answer_key
from tests.integration.conftest import Business, mirrored_business
from tests.support.answers import list_differences
from tests.support.drill_downs import NOTHING, SUMS, list_unsummed
from tests.support.models import AS_OF, failed_tests, run_in_duckdb, run_in_postgres

ZONES = ("UTC", "Europe/Oslo", "America/Los_Angeles")

SMALL = 120
"""Users of the businesses that ``--seeds`` asks for."""

PAST = datetime(2026, 6, 30, 12, tzinfo=UTC)

BOTH_ENGINES = pytest.mark.parametrize(
    "zoned_business", ["documented", pytest.param("live", marks=pytest.mark.slow)], indirect=True
)
"""To build the other shape in Postgres, too, is slow."""

# What tells of the build itself: the mirror has a run and an instant of its own.
OF_THE_BUILD = {"synced_at", "run_id"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each business of ``--seeds`` a test of its own, named after its seed."""
    if "seed" in metafunc.fixturenames:
        seeds = range(10, 10 + metafunc.config.getoption("--seeds"))
        metafunc.parametrize("seed", seeds, ids=lambda seed: f"seed{seed}")


@pytest.fixture(scope="module")
def in_both(zoned_business: Business) -> Business:
    """The business of either shape, its marts built in Postgres as well."""
    build_in_postgres(zoned_business.settings)
    return zoned_business


def test_every_number_equals_the_answer_key_in_either_shape_and_another_zone(
    zoned_business: Business,
) -> None:
    assert list_differences(zoned_business.answers, zoned_business.settings.warehouse) == []


@BOTH_ENGINES
def test_another_business_equals_its_answer_key_in_other_zones_on_both_engines(
    in_both: Business,
    request: pytest.FixtureRequest,
    server: str,
    tmp_path: Path,
    seed: int,
) -> None:
    shape = request.node.callspec.params["zoned_business"]
    built, in_postgres = in_both.settings.warehouse, tmp_path / "postgres.duckdb"
    differences = []
    with mirrored_business(
        server, tmp_path, seed=seed, users=SMALL, shape=shape, zone="UTC"
    ) as another:
        in_duckdb, url = another.settings.warehouse, another.settings.require_database_url()
        is_slow = request.config.getoption("slow")
        zones = ZONES if is_slow else (ZONES[(seed + 1) % 3],)
        for zone, at in [*((zone, AS_OF) for zone in zones), (ZONES[seed % 3], PAST)]:
            answers = answer_key(
                users=SMALL, seed=seed, as_of=AS_OF, shape=shape, timezone=zone, at=at
            )
            run_in_duckdb(built, in_duckdb, zone, at)
            failed = failed_tests(built, in_duckdb, zone, at)
            differences += [f"{zone}, {at}: test {name} fails" for name in failed]
            warehouses = [in_duckdb]
            if at == PAST or is_slow:  # it takes twice as long there
                run_in_postgres(
                    built, in_both.settings.require_database_url(), url, in_postgres, zone, at
                )
                warehouses.append(in_postgres)
            for warehouse in warehouses:
                found = list_differences(answers, warehouse)
                differences += [f"{warehouse.name}, {zone}, {at}: {line}" for line in found]
        differences += _unsummed(in_duckdb)
        checks = check_mirror(in_duckdb, another.settings)
        differences += [f"check {each.check_name}" for each in checks if each.status != "passed"]
    assert differences == []


def _unsummed(warehouse: Path) -> list[str]:
    """The numbers of the marts that the rows behind them do not add up to, as of the last build."""
    with OpenWarehouse(warehouse) as opened:
        found = [
            line
            for name in SUMS
            # These read the forecasts, which models do not make.
            if not name.startswith(("forecast/", "growth/segment"))
            for line in list_unsummed(opened, name)
        ]
    return [line for line in found if not line.endswith(NOTHING)]


def _plain(value: Any) -> Any:
    """A value as both engines can give it; floats to twelve digits."""
    if isinstance(value, float | Decimal):
        return f"{float(value):.12g}"
    return value.isoformat() if isinstance(value, date | datetime) else value


def _rows(rows: list[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(_plain(value) for value in row) for row in rows)


@BOTH_ENGINES
def test_every_mart_is_the_same_row_by_row(in_both: Business) -> None:
    business = in_both
    with (
        duckdb.connect(str(business.settings.warehouse), read_only=True) as warehouse,
        psycopg.connect(business.settings.require_database_url()) as source,
    ):
        columns: dict[str, list[str]] = {}
        for table, column in warehouse.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'marts'"
            " order by table_name, column_index"
        ).fetchall():
            if column not in OF_THE_BUILD:
                columns.setdefault(table, []).append(column)
        assert len(columns) > 30
        for table, names in columns.items():
            select = sql.SQL("select {} from {}.{}")
            fields = sql.SQL(", ").join(map(sql.Identifier, names))
            here, there = (
                select.format(fields, sql.Identifier(schema), sql.Identifier(table)).as_string()
                for schema in ("marts", "analytics")
            )
            expected = _rows(warehouse.execute(here).fetchall())
            found = _rows(source.execute(there.encode()).fetchall())
            difference = {
                "table": table,
                "only in Postgres": list((found - expected).items())[:3],
                "only in DuckDB": list((expected - found).items())[:3],
            }
            assert found == expected, difference


@pytest.mark.slow
@pytest.mark.parametrize("zoned_business", ["documented"], indirect=True)
def test_every_rule_holds_on_postgres(in_both: Business, tmp_path: Path) -> None:
    """dbt's unit tests, which ``tests/dbt`` runs on DuckDB, on the other engine."""
    with psycopg.connect(in_both.settings.require_database_url()) as connection:
        environment = describe_connection(connection)
    results = run_dbt(
        ["test", "--select", "test_type:unit"],
        target="postgres",
        target_path=tmp_path,
        variables={"source_schema": "public"},
        environment=environment,
    )
    assert len(results) > 80
    assert [(each.name, each.message) for each in results if each.status != "pass"] == []
