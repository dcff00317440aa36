"""What the project says of itself: every model and column described, every mart under contract."""

import re
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from sselfie_insights.resources import resource_dir
from tests.dbt.conftest import Dbt

DESCRIBED = ("model", "seed", "snapshot")
REPORTS = sorted(path.stem for path in resource_dir("reports").glob("*.yml"))


def nodes_of(dbt: Dbt, *resource_types: str) -> list[Mapping[str, Any]]:
    return [
        node for node in dbt.manifest["nodes"].values() if node["resource_type"] in resource_types
    ]


def marts_of(dbt: Dbt) -> list[Mapping[str, Any]]:
    return [node for node in nodes_of(dbt, "model") if node["path"].startswith("marts/")]


def test_no_model_reads_a_layer_above_its_own(built: Dbt) -> None:
    layers = ("staging", "core", "intermediate", "marts")
    models = {node["unique_id"]: node for node in nodes_of(built, "model")}
    level = {key: layers.index(node["path"].partition("/")[0]) for key, node in models.items()}

    upward = [
        f"{models[child]['name']} reads {models[parent]['name']}"
        for child in models
        for parent in models[child]["depends_on"]["nodes"]
        if parent in models and level[parent] > level[child]
    ]

    assert set(level.values()) == {0, 1, 2, 3}
    assert not upward


def test_every_model_seed_and_snapshot_has_its_properties_beside_it(built: Dbt) -> None:
    for node in nodes_of(built, *DESCRIBED):
        own = Path(node["original_file_path"]).with_suffix(".yml")
        assert node["patch_path"] == f"sselfie://{own}"

    for test in built.manifest["unit_tests"].values():
        assert Path(test["original_file_path"]).stem == test["model"]


def test_every_model_seed_and_snapshot_says_its_grain_first(built: Dbt) -> None:
    nodes = nodes_of(built, *DESCRIBED)

    silent = [each["name"] for each in nodes if not each["description"].startswith("One row per")]

    assert nodes
    assert not silent


def test_every_column_that_is_there_is_described_and_no_other(built: Dbt) -> None:
    described = {
        (node["schema"], node["name"]): {
            name for name, column in node["columns"].items() if column["description"]
        }
        for node in nodes_of(built, "model")
    }

    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        there: dict[tuple[str, str], set[str]] = {}
        for schema, table, column in connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
        ).fetchall():
            there.setdefault((schema, table), set()).add(column)

    assert {key: there.get(key) for key in described} == described


def test_every_mart_has_an_enforced_contract_with_types_both_targets_know(built: Dbt) -> None:
    portable = {
        *("text", "bigint", "integer", "date", "timestamp", "boolean", "double precision"),
        "numeric(20, 11)",
    }

    loose = [
        node["name"]
        for node in marts_of(built)
        if not node["config"]["contract"]["enforced"]
        or {column["data_type"] for column in node["columns"].values()} - portable
    ]

    assert not loose


def test_days_between_two_dates_are_counted_by_the_macro(built: Dbt) -> None:
    """A date less a date is a number of days in DuckDB and Postgres, and an interval in Spark."""
    less_a_date = re.compile(
        r" - \(?(?:m(?:in|ax)\()?(?:\w+\.)?(?:\w+_)?(?:on|day|date|month|period)\b(?!\.)"
    )
    models = nodes_of(built, "model")

    assert less_a_date.search("least(months.next_month, build.as_of_on) - months.month")
    assert [node["name"] for node in models if less_a_date.search(node["raw_code"])] == []


def test_every_mart_has_a_tested_key(built: Dbt) -> None:
    tested = {
        test["attached_node"]
        for test in nodes_of(built, "test")
        if (test.get("test_metadata") or {}).get("name") == "unique_not_null"
    }

    assert not [node["name"] for node in marts_of(built) if node["unique_id"] not in tested]


def test_the_exposures_are_what_make_docs_writes() -> None:
    project = resource_dir("dbt_project")
    script = runpy.run_path(str(project.parent / "docs" / "write_exposures.py"))
    written = (project / "models" / "exposures.yml").read_text(encoding="utf-8")
    assert written == script["write_exposures"](), "run 'make docs'"


def read_with_parts(name: str) -> str:
    """Return the text of a query with all that it includes, directly or not."""
    text = (resource_dir("queries") / name).read_text()
    parts = re.findall(r"\{%-? *(?:include|from|import) ['\"]([^'\"]+)['\"]", text)
    return text + "".join(read_with_parts(part) for part in parts)


@pytest.mark.parametrize("report", REPORTS)
def test_every_report_is_an_exposure_of_the_marts_it_reads(built: Dbt, report: str) -> None:
    exposure = built.manifest["exposures"][f"exposure.sselfie.{report}"]
    content = (resource_dir("reports") / f"{report}.yml").read_text()
    marts = {"build_info"}  # every page is stamped with it
    for query in set(re.findall(r"query: (\w+/\w+)", content)):
        marts |= set(re.findall(r"\bmarts\.(\w+)", read_with_parts(f"{query}.sql")))

    depends_on = {unique_id.rpartition(".")[2] for unique_id in exposure["depends_on"]["nodes"]}

    assert depends_on == marts
    assert exposure["owner"]["name"]
    assert yaml.safe_load(content)["title"] == exposure["label"]


def test_the_documents_say_of_every_table_what_it_feeds(built: Dbt) -> None:
    """The sources in its table are those that models read; it names all the others, too."""
    children = built.manifest["child_map"]
    page = (resource_dir("dbt_project").parent / "docs" / "reading-reports.md").read_text()
    section = page.partition("## Which tables feed which marts")[2].partition("`quality/")[0]
    feeding, others = (
        set(re.findall(r"`(\w+)`", part)) for part in section.split("The other tables are mirrored")
    )
    sources = {
        node["name"]: bool(children[key])
        for key, node in built.manifest["sources"].items()
        if node["source_name"] == "app"
    }

    assert feeding == {name for name, is_read in sources.items() if is_read}
    assert others == {name for name, is_read in sources.items() if not is_read}


def test_no_model_reads_the_environment_while_it_is_parsed() -> None:
    """dbt would parse it again, and what hangs on it, at every new instant."""
    models = resource_dir("dbt_project").glob("models/**/*.sql")

    assert not [path.name for path in models if "env_var" in path.read_text()]
