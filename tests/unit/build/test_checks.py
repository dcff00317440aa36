import json
from pathlib import Path

import pytest

from sselfie_insights.build.checks import from_dbt
from sselfie_insights.build.dbt import NodeResult
from sselfie_insights.errors import UsageError
from sselfie_insights.settings import Settings, load_settings

KEY = "test.sselfie.unique_not_null_feeds_feed_id.1a2b3c"
SUMS = "test.sselfie.payments_sum_to_revenue"
FEEDS, PAYMENTS = "model.sselfie.feeds", "model.sselfie.payments"
REVENUE = "model.sselfie.revenue_by_month"


def model(schema: str, name: str, *parents: str) -> dict[str, object]:
    return {
        "resource_type": "model", "schema": schema, "name": name, "description": "One row.",
        "depends_on": {"nodes": list(parents)},
    }  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings, and a folder where dbt has left its manifest."""
    nodes = {
        KEY: {"attached_node": FEEDS, "column_name": "feed_id", "resource_type": "test"},
        SUMS: {"depends_on": {"nodes": [PAYMENTS, REVENUE]}, "resource_type": "test"},
        FEEDS: model("marts", "feeds"),
        PAYMENTS: model("marts", "payments"),
        REVENUE: model("marts", "revenue_by_month", "model.sselfie.int_paid"),
        "model.sselfie.int_paid": model("intermediate", "int_paid"),
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes, "sources": {}}))
    return load_settings(warehouse=tmp_path / "warehouse.duckdb")


def test_only_tests_are_checks_and_they_tell_what_they_are_about(
    settings: Settings, tmp_path: Path
) -> None:
    results = [
        NodeResult("model.sselfie.payments", "error", "", 0.1),
        NodeResult(KEY, "pass", "", 0.1, 0),
        NodeResult(SUMS, "warn", "Got 3 results, configured to warn if != 0", 0.1, 3),
    ]

    checks = from_dbt(results, settings, "run-1", tmp_path)

    assert [
        (each.check_name, each.table_name, each.column_name, each.status, each.failed_rows)
        for each in checks
    ] == [
        ("unique_not_null_feeds_feed_id", "feeds", "feed_id", "passed", 0),
        ("payments_sum_to_revenue", "", None, "failed", 3),
    ]
    assert {(each.run_id, each.suite) for each in checks} == {("run-1", "marts")}
    # Net revenue is a headline number; the list of feeds is none.
    assert [each.severity for each in checks] == ["warn", "error"]
    assert [each.detail for each in checks] == ["", "3 rows"]


def test_a_test_far_up_the_way_to_a_headline_number_is_an_error(
    settings: Settings, tmp_path: Path
) -> None:
    document = json.loads((tmp_path / "manifest.json").read_text())
    document["nodes"][KEY]["attached_node"] = "model.sselfie.int_paid"
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    [check] = from_dbt([NodeResult(KEY, "fail", "", 0.1, 1)], settings, "run-1", tmp_path)
    assert check.severity == "error"


@pytest.mark.parametrize("status", ["error", "runtime error", "skipped"])
def test_a_test_that_could_not_run_is_broken_and_its_words_are_kept_back(
    settings: Settings, tmp_path: Path, status: str
) -> None:
    said = "Conversion Error: Could not convert string 'ada@mail.example' to INT32"

    [check] = from_dbt([NodeResult(SUMS, status, said, 0.1)], settings, "run-1", tmp_path)

    assert check.status == "broken"
    assert check.failed_rows is None
    assert check.detail == f"dbt says {status}"


def test_severities_are_those_of_the_file(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "checks.yml"
    path.write_text("marts:\n  'payments_*': warn\n")
    own = settings.model_copy(update={"checks": path})

    [check] = from_dbt([NodeResult(SUMS, "fail", "", 0.1, 1)], own, "run-1", tmp_path)

    assert (check.severity, check.status) == ("warn", "failed")


def test_an_unknown_test_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "checks.yml"
    path.write_text("marts:\n  payments_sum_to_revenues: warn\n")
    own = settings.model_copy(update={"checks": path})

    with pytest.raises(UsageError, match="mean 'payments_sum_to_revenue'"):
        from_dbt([NodeResult(SUMS, "pass", "", 0.1, 0)], own, "run-1", tmp_path)
