"""The project's models on given rows: compiled by dbt once, then run straight in the engine.

One compilation serves every build: the instant, the zone, the grace and the price list of a build
are put into the SQL that holds them. What a build runs is what ``sselfie build`` runs, staging
included, over the source's tables in their documented types.
"""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from sselfie_insights.build.dbt import run_dbt
from sselfie_insights.clock import parse_instant
from sselfie_insights.contract import load_contract
from sselfie_insights.resources import resource_dir
from tests.support import exports
from tests.support.billing.cases import Row, Rows
from tests.support.contracts import insert
from tests.support.models import AS_OF, ZONE, Node, compiled_nodes

TABLES = {
    "stripe_payments": "payments",
    "subscriptions": "subscriptions",
    "users": "users",
    "credit_transactions": "credit_entries",
}
"""The source's tables, and the rows that are theirs."""

MARTS = (
    *("mrr_movements", "mrr_by_member", "members_now", "member_months", "churn_by_month"),
    *("revenue_by_month", "payments", "dropped_rows"),
)

GRACE_DAYS = 14
_INSTANT = "%Y-%m-%d %H:%M:%S.%f"


@dataclass(frozen=True)
class Surroundings:
    """What a build speaks for; ``prices`` is the text of an owner's products.csv."""

    as_of: str
    zone: str = "UTC"
    grace_days: int = GRACE_DAYS
    prices: str | None = None
    spends_paid_credits_first: bool = False

    def put_into(self, node: Node) -> str:
        """Return the SQL of ``node`` for this build."""
        if node.name == "core_products" and self.prices is not None:
            return _price_list(self.prices)
        as_of = parse_instant(self.as_of, self.zone).strftime(_INSTANT)
        text = node.sql.replace(f"'{ZONE}'", f"'{self.zone}'")
        if node.name == "core_build":
            text = text.replace(AS_OF.strftime(_INSTANT), as_of)
            text = text.replace(f"cast({GRACE_DAYS} as", f"cast({self.grace_days} as")
            text = text.replace("cast(False as", f"cast({self.spends_paid_credits_first} as")
        return text


@dataclass(frozen=True, repr=False)
class Models(ABC):
    """The models as compiled for one engine, in the order in which they build on each other."""

    nodes: Sequence[Node]
    connection: Any

    def build(
        self, rows: Rows, surroundings: Surroundings, names: Sequence[str] = MARTS
    ) -> Mapping[str, list[Row]]:
        """Build ``names`` and all they are made from; return their rows."""
        self._fill(rows)
        for node in self._behind(names):
            self._create(node, surroundings.put_into(node))
        return {name: self.read(name) for name in names}

    def read(self, name: str) -> list[Row]:
        """Return the rows of a model, each by its columns' names."""
        node = next(node for node in self.nodes if node.name == name)
        cursor = self.connection.execute(f'select * from "{node.schema}"."{name}"')
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def _behind(self, names: Sequence[str]) -> list[Node]:
        needed = set(names)
        for node in reversed(self.nodes):
            if node.name in needed:
                needed |= set(node.parents)
        return [node for node in self.nodes if node.name in needed]

    @abstractmethod
    def _fill(self, rows: Rows) -> None:
        """Store ``rows`` in the source's tables, and nothing else."""

    @abstractmethod
    def _create(self, node: Node, text: str) -> None:
        """Create the table or view of a model from its SQL."""


class DuckdbModels(Models):
    def _fill(self, rows: Rows) -> None:
        for table, kind in TABLES.items():
            self.connection.execute(f"delete from raw.{table}")
            columns = load_contract()[table].columns
            stored = [
                tuple(_stored(row.get(column.name)) for column in columns)
                for row in getattr(rows, kind)
            ]
            if stored:
                names = ", ".join(column.name for column in columns)
                insert(self.connection, f"raw.{table}", names, stored)

    def _create(self, node: Node, text: str) -> None:
        if node.kind != "seed":
            kind = "view" if node.kind == "view" else "table"
            self.connection.execute(f"create or replace {kind} {node.schema}.{node.name} as {text}")


class PostgresModels(Models):
    def _fill(self, rows: Rows) -> None:
        for table, kind in TABLES.items():
            self.connection.execute(f"truncate raw.{table}")
            columns = load_contract()[table].columns
            names = ", ".join(f'"{column.name}"' for column in columns)
            with self.connection.cursor().copy(f"copy raw.{table} ({names}) from stdin") as copy:
                for row in getattr(rows, kind):
                    copy.write_row([_stored(row.get(column.name)) for column in columns])

    def _create(self, node: Node, text: str) -> None:
        if node.kind != "seed":
            kind = "view" if node.kind == "view" else "table"
            relation = f'"{node.schema}"."{node.name}"'
            self.connection.execute(f"drop {kind} if exists {relation} cascade")
            self.connection.execute(f"create {kind} {relation} as {text}")
            if kind == "table":
                self.connection.execute(f"analyze {relation}")


@contextmanager
def duckdb_models(folder: Path, accounts: Sequence[str] = ()) -> Iterator[Models]:
    """Compile for DuckDB in ``folder``; yield the models over an empty source in memory."""
    warehouse = folder / "source.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        _create_source(connection.execute)
    _compile(folder, "duckdb", accounts, {"SSELFIE_DBT_WAREHOUSE": str(warehouse)})
    nodes = compiled_nodes(folder)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        _create_source(connection.execute)
        for schema in sorted({node.schema for node in nodes}):
            connection.execute(f"create schema if not exists {schema}")
        for node in nodes:
            if node.kind == "seed":
                path = resource_dir("dbt_project") / "seeds" / f"{node.name}.csv"
                connection.execute(f"create table {node.schema}.{node.name} as from '{path}'")
        yield DuckdbModels(nodes, connection)


@contextmanager
def postgres_models(url: str, folder: Path, accounts: Sequence[str] = ()) -> Iterator[Models]:
    """Compile for Postgres in ``folder``; yield the models over an empty source at ``url``."""
    with psycopg.connect(url, autocommit=True) as connection:
        _create_source(connection.execute)
        info = connection.info
        _compile(
            folder,
            "postgres",
            accounts,
            {
                "SSELFIE_DBT_HOST": info.host,
                "SSELFIE_DBT_PORT": str(info.port),
                "SSELFIE_DBT_USER": info.user,
                "SSELFIE_DBT_DATABASE": info.dbname,
                "DBT_ENV_SECRET_PASSWORD": info.password or "",
            },
        )
        nodes = compiled_nodes(folder)
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create schema if not exists analytics")
        for node in nodes:
            if node.kind == "seed":
                _create_seed(connection, node)
        yield PostgresModels(nodes, connection)


def _create_source(execute: Any) -> None:
    execute("create schema raw")
    for name in TABLES:
        columns = ", ".join(
            f'"{column.name}" {_type(column.data_type)}' for column in load_contract()[name].columns
        )
        execute(f"create table raw.{name} ({columns})")
    exports.create_tables(execute)


def _create_seed(connection: psycopg.Connection[Any], node: Node) -> None:
    text = (resource_dir("dbt_project") / "seeds" / f"{node.name}.csv").read_text()
    names = text.splitlines()[0].split(",")
    types = {"is_recurring": "boolean", "valid_from": "date", "valid_until": "date"}
    types |= dict.fromkeys(("product_type", "currency", "feature"), "text")
    columns = ", ".join(f"{name} {types.get(name, 'integer')}" for name in names)
    relation = f"{node.schema}.{node.name}"
    connection.execute(f"create table {relation} ({columns})")
    with connection.cursor().copy(f"copy {relation} from stdin (format csv, header)") as copy:
        copy.write(text)


def _compile(
    folder: Path, target: str, accounts: Sequence[str], environment: Mapping[str, str]
) -> None:
    results = run_dbt(
        ["compile", "--select", "resource_type:model"],
        target=target,
        target_path=folder,
        variables={
            "timezone": ZONE,
            "grace_days": GRACE_DAYS,
            "internal_accounts": list(accounts),
            "source_schema": "raw",
        },
        environment={**environment, "SSELFIE_DBT_AS_OF": AS_OF.strftime(_INSTANT)},
    )
    assert [result for result in results if result.status != "success"] == []


def _price_list(text: str) -> str:
    """Return what core_products would hold of an owner's products.csv."""
    prices = []
    for position, price in enumerate(csv.DictReader(StringIO(text)), start=1):
        prices.append(
            f"select cast('{price['product_type']}' as text) as product_type,"
            f" {price['is_recurring']} as is_recurring,"
            f" cast({price['interval_months'] or 'null'} as bigint) as interval_months,"
            f" cast({price['price_cents']} as bigint) as price_cents,"
            f" cast('{price['currency'] or 'usd'}' as text) as currency,"
            f" cast({price['credits'] or 'null'} as bigint) as credits,"
            f" date '{price['valid_from'] or '1970-01-01'}' as valid_from_on,"
            f" date '{price['valid_until'] or '9999-12-31'}' as valid_until_on,"
            f" cast({position} as bigint) as list_position"
        )
    return " union all ".join(prices)


def _type(documented: str) -> str:
    return {"serial": "integer", "jsonb": "json"}.get(documented.lower(), documented)


def _stored(value: object) -> object:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return value
