"""Run the models that a build compiled straight in the engine, on another business of its shape.

dbt takes seconds to start and a tenth of one per model; the SQL that it compiles does not. What a
build of one business compiled is valid for every other with the same columns; its reporting zone
and its instant are replaced by those asked for.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import duckdb
import psycopg
from psycopg import sql

from sselfie_insights.sync.extension import extension_path
from sselfie_insights.warehouse.paths import artifacts_dir

ZONE = "Europe/Oslo"
"""The zone of the SQL that the builds of the tests compiled."""

AS_OF = datetime(2026, 11, 15, 12, tzinfo=UTC)
"""Their instant."""


class Node(NamedTuple):
    """A model or seed: its kind is ``seed``, or how it is materialised; a seed has no SQL."""

    schema: str
    name: str
    kind: str
    sql: str
    is_queried: bool
    parents: tuple[str, ...] = ()


def compiled_nodes(folder: Path) -> list[Node]:
    """Return the seeds, and the models compiled into dbt's target ``folder``, in order."""
    manifest = json.loads((folder / "manifest.json").read_text())
    nodes = {
        name: node
        for name, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
    order = TopologicalSorter(
        {
            name: set(node["depends_on"].get("nodes", ())) & nodes.keys()
            for name, node in nodes.items()
        }
    )
    found = []
    for node in (nodes[name] for name in order.static_order()):
        schema, name, path = node["schema"], node["name"], node["original_file_path"]
        parents = tuple(parent.split(".")[2] for parent in node["depends_on"].get("nodes", ()))
        compiled = folder / "compiled" / node["package_name"] / path
        if node["resource_type"] == "seed":
            found.append(Node(schema, name, "seed", "", is_queried=False))
        elif compiled.exists():
            kind = node["config"]["materialized"]
            found.append(Node(schema, name, kind, compiled.read_text(), "/marts/" in path, parents))
    return found


def run_in_duckdb(built: Path, mirror: Path, zone: str, as_of: datetime = AS_OF) -> None:
    """Build the marts of ``mirror`` with the SQL that the build of ``built`` compiled."""
    with duckdb.connect(str(mirror)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{built}' as built (read_only)")
        for node in compiled_nodes(artifacts_dir(built) / "duckdb"):
            relation = f"{node.schema}.{node.name}"
            connection.execute(f"create schema if not exists {node.schema}")
            if node.kind == "seed":
                statement = f"create or replace table {relation} as from built.{relation}"
            else:
                text = _retarget(node.sql, zone, as_of)
                statement = f"create or replace {node.kind} {relation} as {text}"
            connection.execute(statement)


def failed_tests(built: Path, warehouse: Path, zone: str, as_of: datetime = AS_OF) -> list[str]:
    """Return dbt's tests, as the build of ``built`` compiled them, that find rows in ``warehouse``.

    Its marts must be of this zone and instant.
    """
    folder = artifacts_dir(built) / "duckdb"
    nodes = json.loads((folder / "manifest.json").read_text())["nodes"].values()
    found = []
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for node in nodes:
            if node["resource_type"] == "test":
                text = _retarget(Path(node["compiled_path"]).read_text(), zone, as_of)
                if connection.execute(f"from ({text}\n) limit 1").fetchone():
                    found.append(node["name"])
    return found


def run_in_postgres(
    built: Path, built_url: str, url: str, into: Path, zone: str, as_of: datetime = AS_OF
) -> None:
    """Build the marts inside the database at ``url``; copy what queries read into ``into``."""
    nodes = compiled_nodes(artifacts_dir(built) / "postgres")
    with psycopg.connect(built_url) as source, psycopg.connect(url) as target:
        target.execute("drop schema if exists analytics cascade")
        target.execute("create schema analytics")
        for node in nodes:
            if node.kind == "seed":
                _copy_seed(source, target, node)
            else:
                text = _retarget(node.sql, zone, as_of)
                create = f'create {node.kind} "{node.schema}"."{node.name}" as {text}'
                target.execute(create.encode())
    _copy_queried(url, into, [node.name for node in nodes if node.is_queried])


def _retarget(text: str, zone: str, as_of: datetime) -> str:
    return text.replace(f"'{ZONE}'", f"'{zone}'").replace(_as_text(AS_OF), _as_text(as_of))


def _as_text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _copy_seed(
    source: psycopg.Connection[tuple[object, ...]],
    target: psycopg.Connection[tuple[object, ...]],
    node: Node,
) -> None:
    table = sql.Identifier(node.schema, node.name)
    cursor = source.execute(sql.SQL("select * from {}").format(table))
    types = psycopg.adapters.types
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(types[column.type_code].name))
        for column in cursor.description or ()
    ]
    target.execute(sql.SQL("create table {} ({})").format(table, sql.SQL(", ").join(columns)))
    with target.cursor().copy(sql.SQL("copy {} from stdin").format(table)) as copy:
        for row in cursor:
            copy.write_row(row)


def _copy_queried(url: str, into: Path, names: Sequence[str]) -> None:
    with duckdb.connect(str(into)) as warehouse:
        warehouse.execute("set TimeZone = 'UTC'")
        warehouse.load_extension(str(extension_path()))
        warehouse.execute(f"attach '{url}' as source (type postgres, read_only)")
        warehouse.execute("create schema if not exists marts")
        for name in names:
            warehouse.execute(
                f"create or replace table marts.{name} as from source.analytics.{name}"
            )
