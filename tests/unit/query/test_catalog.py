import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app
from sselfie_insights.query.library import list_names, load_library


def read_catalog(*arguments: str) -> dict[str, object]:
    done = CliRunner().invoke(app, ["query", "catalog", *arguments])
    assert done.exit_code == 0, done.output
    content: dict[str, object] = json.loads(done.stdout)
    return content


def test_the_catalog_keeps_to_its_schema_and_holds_every_query() -> None:
    catalog, schema = read_catalog(), read_catalog("--schema")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(catalog, schema)
    assert [entry["name"] for entry in catalog["queries"]] == list_names()  # type: ignore[attr-defined]


def test_the_schema_refuses_what_is_no_catalog() -> None:
    catalog, schema = read_catalog(), read_catalog("--schema")
    del catalog["queries"][0]["grain"]  # type: ignore[index]
    with pytest.raises(jsonschema.ValidationError, match="grain"):
        jsonschema.validate(catalog, schema)


def test_an_entry_says_what_the_header_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "signups.sql").write_text(
        "/*\ngrain: One row per month.\ntitle: Sign-ups\ndescription: Who came.\nkey: [month]\n"
        "people: user_count\nparameters:\n  since: {type: date, description: The first month.}\n"
        "columns:\n  month: {unit: month, description: The month.}\n"
        "  user_count: {unit: count, description: Users.}\n"
        "  paid_rate: {unit: rate, of: user_count, description: 'Of them, who paid.'}\n*/\n"
        "select 1 from marts.dim_users\n"
    )
    monkeypatch.chdir(tmp_path)
    entries = {entry["name"]: entry for entry in read_catalog()["queries"]}  # type: ignore[attr-defined]
    assert entries.keys() >= load_library().keys()
    signups = entries["signups"]
    assert signups["definition"] == "Who came."
    assert signups["people"] == ["user_count"]
    assert signups["parameters"]["since"]["type"] == "date"
    assert signups["columns"]["paid_rate"]["interval"] == ["paid_rate_low", "paid_rate_high"]
    assert signups["columns"]["paid_rate_high"]["unit"] == "rate"
    assert signups["reads"] == ["marts.dim_users"]
