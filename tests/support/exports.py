"""Stripe's exports in the models' source, and the worked cases of them."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from sselfie_insights.errors import UsageError
from sselfie_insights.resources import resource_dir
from sselfie_insights.stripe.reading import Export, parse_export
from sselfie_insights.stripe.store import SCHEMA, add
from tests.support.billing.cases import Case, read_cases

FIXTURES = Path(__file__).parents[1] / "fixtures"
SOURCES = resource_dir("dbt_project") / "models" / "staging" / "stripe" / "_stripe__sources.yml"


@cache
def load_cases() -> tuple[Case, ...]:
    """Return every worked case of the exports."""
    return read_cases(sorted(FIXTURES.glob("stripe-exports*.yml")))


def contents(case: Case) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each file of a case."""
    for file in case.content["files"]:
        if "base64" in file:
            yield file["name"], base64.b64decode(file["base64"])
        else:
            yield file["name"], str(file["text"]).replace("{case}", case.id).encode()


def read_all(files: Iterator[tuple[str, bytes]]) -> tuple[list[Export], list[str]]:
    """Return the exports among ``files``, and the messages about those that are refused."""
    exports, messages = [], []
    for name, content in files:
        try:
            exports.append(parse_export(name, content))
        except UsageError as error:
            messages.append(str(error))
    return exports, messages


def contract() -> Mapping[str, Mapping[str, str]]:
    """Return the documented columns and types of each table of the exports."""
    (source,) = yaml.load(SOURCES.read_text(), yaml.CSafeLoader)["sources"]
    return {
        table["name"]: {column["name"]: column["data_type"] for column in table["columns"]}
        for table in source["tables"]
    }


def create_tables(execute: Any) -> None:
    """Create the empty tables as documented, on either engine."""
    execute(f"create schema {SCHEMA}")
    for table, columns in contract().items():
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        execute(f"create table {SCHEMA}.{table} ({listed})")


def fill(connection: Any, exports: Sequence[Export]) -> None:
    """Put ``exports`` into the tables in the place of what is there, as the package stores them."""
    for table in contract():
        connection.execute(f"delete from {SCHEMA}.{table}")
    if isinstance(connection, duckdb.DuckDBPyConnection):
        add(connection, exports)
        return
    with duckdb.connect() as db:
        add(db, exports)
        for table, columns in contract().items():
            rows = db.execute(f"select {', '.join(columns)} from {SCHEMA}.{table}").fetchall()
            places = ", ".join(["%s"] * len(columns))
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"insert into {SCHEMA}.{table} values ({places})",
                    [tuple(map(_in_utc, row)) for row in rows],
                )


def _in_utc(value: object) -> object:
    is_aware = isinstance(value, datetime) and value.tzinfo is not None
    return value.astimezone(UTC) if is_aware else value  # type: ignore[union-attr]
