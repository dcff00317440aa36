"""Databases that nobody made for us: no traceback, no broken identity, no page that lets one in.

``--examples N`` tries N of them through the compiled models.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest
from markupsafe import Markup

from sselfie_insights.build.checks import _tested
from sselfie_insights.build.derived import write_derived
from sselfie_insights.build.failures import find_vital
from sselfie_insights.check.severities import load_severities
from sselfie_insights.contract import load_contract
from sselfie_insights.errors import UnknownError
from sselfie_insights.forecast import write_forecasts
from sselfie_insights.query import OpenWarehouse, load_library, run_query
from sselfie_insights.query.lineage import read_models
from sselfie_insights.query.needs import record_unknown
from sselfie_insights.query.write import to_bytes
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.report.formats import to_bytes as page_to_bytes
from sselfie_insights.report.site import build_pages
from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.warehouse import closed
from sselfie_insights.warehouse.frames import write_table
from sselfie_insights.warehouse.gaps import Gap
from sselfie_insights.warehouse.paths import artifacts_dir
from sselfie_insights.warehouse.unknown import WHOLE
from tests.integration.conftest import Business
from tests.support.hostile import DAMAGES, Hostile, every_column
from tests.support.markup import find_faults
from tests.support.models import Node, compiled_nodes

MADE = ("staging", "core", "intermediate", "marts", "forecast", "growth", "closed")
"""The schemas that need no copy: the models make them, or their tables are created."""

FOUND = (20_261_147,)
"""Seeds that found what the others did not: ids that collide with an invoice's."""

FORMS = ("csv", "json", "table", "parquet")

BASE_SEED = 20_261_130


@dataclass(frozen=True)
class Compiled:
    """What makes a warehouse of any rows of the documented schema.

    Attributes:
        empty: A warehouse with its tables and no rows in those of the source.
        nodes: The models, in order, as dbt compiled them.
        identities: dbt's tests of severity error, by name, as it compiled them.
        settings: Those of its build.
    """

    empty: Path
    nodes: Sequence[Node]
    identities: dict[str, str]
    settings: Settings


@pytest.fixture(scope="module")
def compiled(built_business: Business, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    built = built_business.settings.warehouse
    empty = tmp_path_factory.mktemp("hostile") / "empty.duckdb"
    with duckdb.connect(str(empty)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(closed.TABLES)
        connection.execute(f"attach '{built}' as built (read_only)")
        for schema, name, kind in connection.execute(
            "select table_schema, table_name, table_type from information_schema.tables"
            " where table_catalog = 'built' order by all"
        ).fetchall():
            if kind == "BASE TABLE" and schema not in MADE:
                connection.execute(f'create schema if not exists "{schema}"')
                limit = "" if schema == "meta" else "limit 0"
                connection.execute(
                    f'create table "{schema}"."{name}" as from built."{schema}"."{name}" {limit}'
                )
        nodes = compiled_nodes(artifacts_dir(built) / "duckdb")
        for node in nodes:
            connection.execute(f"create schema if not exists {node.schema}")
            if node.kind == "seed":
                relation = f"{node.schema}.{node.name}"
                connection.execute(f"create or replace table {relation} as from built.{relation}")
    manifest = artifacts_dir(built) / "duckdb" / "manifest.json"
    every = json.loads(manifest.read_text())["nodes"]
    vital, severities = find_vital(read_models(manifest)), load_severities(load_settings())
    identities = {
        node["name"]: Path(node["compiled_path"]).read_text()
        for node in every.values()
        if node["resource_type"] == "test"
        and severities.of(
            "marts", node["name"], "error" if _tested(node, every) & vital else "warn"
        )
        == "error"
    }
    return Compiled(empty, nodes, identities, built_business.settings)


def fill(connection: duckdb.DuckDBPyConnection, hostile: Hostile) -> None:
    """Write the rows as a sync would have mirrored them."""
    for table in load_contract().values():
        types = dict(
            connection.execute(
                "select column_name, data_type from duckdb_columns()"
                f" where schema_name = 'raw' and table_name = '{table.name}'"
            ).fetchall()
        )
        rows = hostile.rows(table)
        if not rows or not types:
            continue
        names = [column.name for column in every_column(table)]
        frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
        write_table(connection, "given", frame.select(list(types)), "temp table")
        casts = ", ".join(_read(name, kind) for name, kind in types.items())
        connection.execute(f'insert into raw."{table.name}" select {casts} from given')


def _read(name: str, kind: str) -> str:
    """Read a cell as PostgreSQL writes it."""
    text = f'"{name}"'
    if kind.endswith("[]"):
        text = f"replace(replace({text}, '{{', '['), '}}', ']')"
    elif kind.startswith("TIMESTAMP"):  # of a year before the first, DuckDB says so behind the day
        bc = f"replace(replace({text}, ' BC', ''), ' ', ' (BC) ')"
        text = f"case when {text} like '%BC' then {bc} else {text} end"
    elif kind == "DATE":
        text = f"replace({text}, ' BC', ' (BC)')"
    return f"cast({text} as {kind})"


def build_all(compiled: Compiled, path: Path, hostile: Hostile) -> list[str]:
    """Make a warehouse of a seed's rows, and return the identities that do not hold."""
    shutil.copyfile(compiled.empty, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'; set threads = 1")
        fill(connection, hostile)
        connection.execute("begin")
        for node in compiled.nodes:
            if node.kind != "seed":
                connection.execute(
                    f"create or replace {node.kind} {node.schema}.{node.name} as {node.sql}"
                )
        connection.execute("commit")
        connection.execute("delete from meta.contract_drift")
        for table in hostile.gone:
            connection.execute(
                "insert into meta.contract_drift values (?, null, 'table gone', '2026-11-01')",
                [table.name],
            )
        for table, column in hostile.gone_columns:
            connection.execute(
                "insert into meta.contract_drift values (?, ?, 'column gone', '2026-11-01')",
                [table, column],
            )
        record_unknown(connection)
        return [
            name
            for name, text in compiled.identities.items()
            if connection.execute(f"from ({text}\n) limit 1").fetchone()
        ]


def read_all(
    compiled: Compiled, path: Path, forms: Sequence[str]
) -> tuple[list[Gap], dict[str, list[str]]]:
    """Run every query, in ``forms``, and page over a warehouse; return gaps and pages' faults."""
    gaps: list[Gap] = []
    write_forecasts(path, discount_rate=0.01, on_gap=gaps.append)
    write_derived(path, compiled.settings.warehouse, on_gap=gaps.append)
    settings = compiled.settings.model_copy(update={"warehouse": path})
    with OpenWarehouse(path) as opened:
        for query in load_library().values():
            if WHOLE in opened.unknown.get(query.name, {}):
                with pytest.raises(UnknownError, match="not known since 2026-11-01"):
                    run_query(opened, query)
                continue
            result = run_query(opened, query)
            for form in forms:
                to_bytes(result, form)
    faults = {}
    for page in build_pages(settings, gaps.append):
        faults[page.report.name] = find_faults(render_html(page, on_gap=gaps.append))
        page_to_bytes(page, "table")
    return gaps, faults


@pytest.fixture
def no_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine that draws is slow; what it draws has a test of its own."""
    monkeypatch.setattr(
        "sselfie_insights.report.draw.drawing.draw_chart", lambda *_: Markup("<svg></svg>")
    )


@pytest.mark.usefixtures("no_drawings")
def test_whatever_the_schema_allows_is_built_and_shown(
    compiled: Compiled, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    first = BASE_SEED + pytestconfig.getoption("first_example")
    costs: dict[str, list[int]] = {damage: [] for damage in DAMAGES}
    for seed in (*FOUND, *range(first, first + pytestconfig.getoption("examples"))):
        path = tmp_path / "hostile.duckdb"
        hostile = Hostile(seed)
        broken = build_all(compiled, path, hostile)
        forms = FORMS if seed < first + len(DAMAGES) else FORMS[seed % len(FORMS) :][:1]
        gaps, faults = read_all(compiled, path, forms)
        costs[hostile.damage].append(sum(gap.is_unknown for gap in gaps))
        unforeseen = [str(gap) for gap in gaps if not gap.is_unknown]
        found = broken, unforeseen, {n: f for n, f in faults.items() if f}
        assert found == ([], [], {}), f"seed {seed}: {hostile.damage}"
    for damage, marked in costs.items():
        if marked:
            mean = sum(marked) / len(marked)
            print(f"{damage:32} {len(marked):5} databases, sections marked: {mean:.1f} each")
