"""dbt, as the tests run it: the project as it is, artifacts in a temporary folder."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sselfie_insights.resources import resource_dir


@dataclass(frozen=True)
class Dbt:
    """A folder for dbt's artifacts, and the warehouse to run it on."""

    folder: Path
    warehouse: Path

    @property
    def manifest(self) -> Mapping[str, Any]:
        content: Mapping[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return content

    @property
    def results(self) -> Mapping[str, Mapping[str, Any]]:
        """What became of every node of the last command, by its id."""
        content = json.loads((self.folder / "run_results.json").read_text())
        return {result["unique_id"]: result for result in content["results"]}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run dbt; what it says is in the result, and its exit code is for the caller to judge."""
        project = str(resource_dir("dbt_project"))
        return subprocess.run(
            [
                *(sys.executable, "-m", "dbt.cli.main", "--quiet", "--no-use-colors"),
                *("--log-level-file", "none", *arguments),
                *("--project-dir", project, "--profiles-dir", project),
                *("--target-path", str(self.folder), "--log-path", str(self.folder)),
            ],
            env={
                **os.environ,
                "PYTHONWARNINGS": "ignore",
                # Its name alone: with another path dbt would parse the whole project again.
                "SSELFIE_DBT_WAREHOUSE": self.warehouse.name,
                "SSELFIE_DBT_AS_OF": "2026-03-10 12:00:00",
            },
            cwd=self.warehouse.parent,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """The project built on a warehouse without any source: every relation is there, and empty."""
    folder = tmp_path_factory.mktemp("dbt")
    dbt = Dbt(folder, folder / "warehouse.duckdb")
    done = dbt.run(
        "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"
    )
    assert done.returncode == 0, done.stdout
    return dbt


@pytest.fixture(scope="session")
def tested(built: Dbt) -> Mapping[str, Mapping[str, Any]]:
    """The result of every unit test and, on a warehouse without any source, of every data test."""
    built.run("test")
    return built.results
