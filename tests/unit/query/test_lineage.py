import json
from pathlib import Path

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query.library import parse_query
from sselfie_insights.query.lineage import Model, load_models, read_tables, trace
from sselfie_insights.warehouse.paths import artifacts_dir

MODELS = {
    model.name: model
    for model in (
        Model("marts.a", "One row per a.", ("intermediate.b", "staging.c")),
        Model("intermediate.b", "", ("staging.c", "marts.a")),
        Model("staging.c", "", ("source.t",)),
        Model("source.t", "", ()),
    )
}


def test_everything_that_a_table_is_made_from_is_listed_once_by_layer() -> None:
    assert trace(["marts.a"], MODELS) == {
        "marts": ["marts.a"],
        "intermediate": ["intermediate.b"],
        "staging": ["staging.c"],
        "source": ["source.t"],
    }


def test_a_table_that_dbt_does_not_know_stands_alone() -> None:
    assert trace(["marts.x", "meta.y"], MODELS) == {"marts": ["marts.x"]}


def test_the_manifest_of_the_build_is_read_where_there_is_one(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    assert load_models(warehouse) == {}
    folder = artifacts_dir(warehouse) / "duckdb"
    folder.mkdir(parents=True)
    nodes = {
        "model.p.a": {"resource_type": "model", "schema": "marts", "name": "a",
                      "description": "One row\n  per a.", "depends_on": {"nodes": ["seed.p.s"]}},
        "seed.p.s": {"resource_type": "seed", "schema": "staging", "name": "s", "description": ""},
        "test.p.t": {"resource_type": "test", "schema": "x", "name": "t", "description": ""},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps({"nodes": nodes, "sources": {}}))
    assert load_models(warehouse) == {
        "marts.a": Model("marts.a", "One row per a.", ("staging.s",)),
        "staging.s": Model("staging.s", "", ()),
    }


def test_a_query_reads_what_the_parts_that_it_includes_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queries").mkdir()
    query = tmp_path / "queries" / "q.sql"
    query.write_text(
        "/*\ngrain: One row.\ntitle: T\ndescription: D\nkey: []\ncolumns: {}\n*/\n"
        'select * from marts.a {% if false %}{% include "one.jinja" %}{% endif %} join marts.d'
    )
    with pytest.raises(UsageError, match=r"q\.sql: 'one\.jinja' not found"):
        read_tables(parse_query("q", query))
    (tmp_path / "queries/one.jinja").write_text('join marts.b {% include "two.jinja" %}')
    (tmp_path / "queries/two.jinja").write_text('join meta.c {% include "one.jinja" %}')
    tables = ["marts.a", "marts.d", "marts.b", "meta.c"]
    assert read_tables(parse_query("q", query)) == tables
