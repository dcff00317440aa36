"""Either shape of the database, every zone, and both engines give the numbers of the answer key."""

from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg import sql

from sselfie_insights.marts import build_in_postgres
from tests.answers import list_differences
from tests.integration.conftest import Business, mirrored_business
from tests.models import run_models

ZONES = ("UTC", "Europe/Oslo", "America/Los_Angeles")

# What tells of the build itself: the mirror has a run and an instant of its own.
OF_THE_BUILD = {"synced_at", "run_id"}


def test_every_number_equals_the_answer_key_in_either_shape_and_another_zone(
    zoned_business: Business,
) -> None:
    assert list_differences(zoned_business.answers, zoned_business.settings.warehouse) == []


@pytest.mark.parametrize("zoned_business", ["documented", "live"], indirect=True)
def test_ten_more_businesses_equal_their_answer_keys(
    zoned_business: Business, request: pytest.FixtureRequest, server: str, tmp_path: Path
) -> None:
    shape = request.node.callspec.params["zoned_business"]
    differences = []
    for seed, zone in zip(range(10, 20), cycle(ZONES)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with mirrored_business(
            server, folder, seed=seed, users=120, shape=shape, zone=zone
        ) as another:
            run_models(zoned_business.settings.warehouse, another.settings.warehouse, zone)
            found = list_differences(another.answers, another.settings.warehouse)
            differences += [f"seed {seed}, {zone}: {line}" for line in found]
    assert differences == []


def _plain(value: Any) -> Any:
    """A value as both engines can give it; floats to twelve digits."""
    if isinstance(value, float | Decimal):
        return f"{float(value):.12g}"
    return value.isoformat() if isinstance(value, date | datetime) else value


def _rows(rows: list[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(_plain(value) for value in row) for row in rows)


@pytest.mark.parametrize("zoned_business", ["documented", "live"], indirect=True)
def test_every_mart_is_the_same_row_by_row(zoned_business: Business) -> None:
    business = zoned_business
    build_in_postgres(business.settings)
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
