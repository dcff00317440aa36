import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from sselfie_insights.build.dbt import run_dbt, without_plan
from sselfie_insights.build.marts import build_into
from sselfie_insights.build.retest import check_marts
from sselfie_insights.errors import SselfieError, StorageError
from sselfie_insights.money import unusual_digits
from sselfie_insights.resources import resource_dir
from sselfie_insights.settings import load_settings
from sselfie_insights.warehouse.meta import LastSync
from sselfie_insights.warehouse.paths import artifacts_dir


def test_settings_reach_the_models_under_the_names_that_the_project_declares(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Any] = {}

    def run_dbt(
        *_: object, variables: Mapping[str, object], target_path: Path, **__: object
    ) -> list[object]:
        asked.update(variables)
        (target_path / "manifest.json").write_text('{"nodes": {}, "sources": {}}')
        return []

    monkeypatch.setattr("sselfie_insights.build.marts.run_dbt", run_dbt)
    sync = LastSync("run", datetime(2026, 3, 10, tzinfo=UTC))
    module = sys.modules[check_marts.__module__]
    monkeypatch.setattr(module, "read_sync", lambda _: sync)
    monkeypatch.setattr(module, "_missing_layers", lambda _: [])
    settings = load_settings(
        timezone="Europe/Oslo",
        stripe_timezone="America/New_York",
        week_start="sunday",
        grace_days=3,
        spend_paid_credits_first=True,
        internal_accounts=("ann",),
        internal_domains=("studio.com",),
        columns={"subscriptions": {"status": "state"}},
        values={"subscriptions": {"status": {"on": "active"}}},
        units={"stripe_payments": {"amount_cents": "major"}},
    )

    assert check_marts(settings) == []

    project = yaml.safe_load((resource_dir("dbt_project") / "dbt_project.yml").read_text())
    assert asked.keys() == project["vars"].keys()
    assert asked == {
        "timezone": "Europe/Oslo",
        "stripe_timezone": "America/New_York",
        "week_start": "sunday",
        "grace_days": 3,
        "spend_paid_credits_first": True,
        "internal_accounts": ["ann"],
        "internal_domains": ["studio.com"],
        "source_schema": "raw",
        "price_list": [],
        "reporting_currency": "",
        "exchange_rates": [],
        "renamed_tables": {},
        "renamed_columns": {},  # the mirror has the documented names already
        "mapped_values": {"subscriptions": {"status": {"on": "active"}}},
        "major_units": {"stripe_payments": ["amount_cents"]},
        "minor_digits": unusual_digits(),
    }


def test_dbt_sees_one_profile_whatever_the_private_copy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """dbt parses the whole project again when the path in its profile has changed."""

    class CalledError(Exception):
        pass

    profiles = []

    def run_dbt(*_: object, environment: Mapping[str, str], folder: Path, **__: object) -> None:
        profiles.append((folder, environment["SSELFIE_DBT_WAREHOUSE"]))
        raise CalledError

    module = sys.modules[build_into.__module__]
    monkeypatch.setattr(module, "run_dbt", run_dbt)
    sync = LastSync("run", datetime(2026, 3, 10, tzinfo=UTC))
    monkeypatch.setattr(module, "read_sync", lambda _: sync)
    settings = load_settings(warehouse=tmp_path / "w.duckdb")

    for name in ("a", "b"):
        with pytest.raises(CalledError):
            build_into(tmp_path / name / "w.duckdb", settings)

    assert profiles == [(tmp_path / "a", "w.duckdb"), (tmp_path / "b", "w.duckdb")]


def test_a_check_begins_with_the_project_as_the_last_build_parsed_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found: dict[str, object] = {}

    def run_dbt(
        *_: object, environment: Mapping[str, str], folder: Path, target_path: Path, **__: object
    ) -> list[object]:
        found["profile"] = folder, environment["SSELFIE_DBT_WAREHOUSE"]
        found["parsed"] = (target_path / "partial_parse.msgpack").read_bytes()
        (target_path / "manifest.json").write_text('{"nodes": {}, "sources": {}}')
        return []

    monkeypatch.setattr(sys.modules[build_into.__module__], "run_dbt", run_dbt)
    sync = LastSync("run", datetime(2026, 3, 10, tzinfo=UTC))
    module = sys.modules[check_marts.__module__]
    monkeypatch.setattr(module, "read_sync", lambda _: sync)
    monkeypatch.setattr(module, "_missing_layers", lambda _: [])
    settings = load_settings(warehouse=tmp_path / "w.duckdb")
    built = artifacts_dir(settings.warehouse) / "duckdb"
    built.mkdir(parents=True)
    (built / "partial_parse.msgpack").write_bytes(b"parsed")

    assert check_marts(settings) == []

    assert found == {"profile": (tmp_path, "w.duckdb"), "parsed": b"parsed"}


@pytest.mark.parametrize(
    ("said", "error", "printed"),
    [
        (
            "OSError: [Errno 28] No space left on device",
            StorageError,
            "No space left on device: free",
        ),
        ("KeyError: 'x'", SselfieError, "dbt build failed: Traceback: KeyError: 'x'"),
        # A library of an engine may speak JSON, too, which is no event of dbt's.
        ("[7]", SselfieError, "dbt build failed: Traceback: [7]"),
        (r"{\"level\": \"ERROR\"}", SselfieError, 'Traceback: {"level": "ERROR"}'),
    ],
)
def test_a_dbt_that_dies_is_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    error: type[SselfieError],
    printed: str,
) -> None:
    program, results = tmp_path / "python", tmp_path / "run_results.json"
    words = f"echo '{{\"metadata\"' > {results}\necho 'Traceback:'\necho \"  {said}\"\n"
    program.write_text(f"#!/bin/sh\n{words}exit 2\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(error, match=re.escape(printed)) as failed:
        run_dbt(["build"], target="duckdb", target_path=tmp_path, variables={}, environment={})
    assert type(failed.value) is error
    assert "\n" not in str(failed.value)


def test_an_error_of_spark_is_said_without_its_plan_and_its_stack() -> None:
    """As Spark 4.2 wrote it over Connect, shortened."""
    message = (
        "Runtime Error in model refund_capture\n  [DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES] Cannot"
        ' resolve "(covered_day_count >= day_count)". SQLSTATE: 42K09; line 59 pos 23;\n'
        "  'GlobalLimit 0\n  +- 'LocalLimit 0\n\n  JVM stacktrace:\n  org.apache.spark.sql"
    )
    assert without_plan(message).endswith("SQLSTATE: 42K09; line 59 pos 23")
    assert (
        without_plan("[NO_SUCH] no table\n\nJVM stacktrace:\nat org.apache") == "[NO_SUCH] no table"
    )
    assert without_plan("Binder Error: no column\nLINE 1: select a") == (
        "Binder Error: no column\nLINE 1: select a"
    )
