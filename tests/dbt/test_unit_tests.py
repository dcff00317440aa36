"""Every rule of METRICS.md that a model states, proven on rows worked out by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sselfie_insights.resources import resource_dir

UNIT_TESTS = sorted(
    (test["model"], test["name"])
    for path in Path(resource_dir("dbt_project")).glob("models/**/*.yml")
    for test in yaml.load(path.read_text(), yaml.CSafeLoader).get("unit_tests", ())
)


@pytest.mark.parametrize(("model", "name"), UNIT_TESTS, ids=[name for _, name in UNIT_TESTS])
def test_unit(tested: Mapping[str, Mapping[str, Any]], model: str, name: str) -> None:
    result = tested[f"unit_test.sselfie.{model}.{name}"]

    assert result["status"] == "pass", result["message"]
