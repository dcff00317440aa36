"""dbt's own tests of the marts, as check results."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sselfie_insights.build.dbt import NodeResult
from sselfie_insights.build.failures import find_vital
from sselfie_insights.check.results import CheckResult, Severity, Status
from sselfie_insights.check.severities import load_severities
from sselfie_insights.query.lineage import read_models
from sselfie_insights.settings import Settings

_STATUSES: dict[str, Status] = {"pass": "passed", "fail": "failed", "warn": "failed"}
"""What dbt says of a test; whatever else it says, the test could not run."""


def read_test_names(artifacts: Path) -> list[str]:
    """Return the names of the tests that dbt saw when it last left ``artifacts``."""
    try:
        nodes = _read_nodes(artifacts)
    except (FileNotFoundError, ValueError):  # it never did, or died meanwhile
        return []
    return [node["name"] for node in nodes.values() if node["resource_type"] == "test"]


def from_dbt(
    results: Sequence[NodeResult], settings: Settings, run_id: str, artifacts: Path
) -> list[CheckResult]:
    """Return what became of dbt's tests among ``results``; other nodes are left out.

    What dbt says of a failure is left out too, since a database's error can show a value.

    Args:
        results: What ``run_dbt`` gave.
        settings: Those of the run, which lead to the severities.
        run_id: The sync whose data was tested.
        artifacts: Where dbt left its manifest.

    Raises:
        UsageError: The severities name a test that there is none of.
    """
    severities = load_severities(settings)
    tests = [result for result in results if result.is_test]
    severities.require_known("marts", [test.name for test in tests])
    nodes = _read_nodes(artifacts)
    now = datetime.now(UTC)
    vital = find_vital(read_models(artifacts / "manifest.json"))
    found = []
    for test in tests:
        node = nodes.get(test.unique_id, {})
        default: Severity = "error" if _tested(node, nodes) & vital else "warn"
        severity = severities.of("marts", test.name, default)
        found.append(_as_result(test, node, severity, run_id, now))
    return found


def _tested(node: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> set[str]:
    """Return the names of the tables that a test is about: its own, else all that it reads."""
    attached = node.get("attached_node")
    keys = [attached] if attached else node.get("depends_on", {}).get("nodes", [])
    return {f"{nodes[key]['schema']}.{nodes[key]['name']}" for key in keys if key in nodes}


def _read_nodes(artifacts: Path) -> dict[str, dict[str, Any]]:
    manifest = json.loads((artifacts / "manifest.json").read_text(encoding="utf-8"))
    nodes: dict[str, dict[str, Any]] = manifest["nodes"]
    return nodes


def _as_result(
    test: NodeResult, node: dict[str, Any], severity: Severity, run_id: str, now: datetime
) -> CheckResult:
    status = _STATUSES.get(test.status, "broken")
    if status == "failed":
        detail = f"{test.failures} rows"
    else:
        detail = "" if status == "passed" else f"dbt says {test.status}"
    attached = node.get("attached_node") or ""
    return CheckResult(
        run_id=run_id,
        checked_at=now,
        suite="marts",
        check_name=test.name,
        table_name=attached.rpartition(".")[2],
        column_name=node.get("column_name"),
        severity=severity,
        status=status,
        failed_rows=test.failures,
        checked_rows=None,
        detail=detail,
    )
