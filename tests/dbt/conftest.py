"""dbt, as the tests run it: the project as it is, artifacts in a temporary folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sselfie_insights.build.dbt import NodeResult, run_dbt


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

    def run(self, *command: str, **variables: object) -> list[NodeResult]:
        """Run dbt as a build does; what became of the nodes is for the caller to judge."""
        return run_dbt(
            command,
            target="duckdb",
            target_path=self.folder,
            variables=variables,
            # Its name alone: with another path dbt would parse the whole project again.
            environment={
                "SSELFIE_DBT_WAREHOUSE": self.warehouse.name,
                "SSELFIE_DBT_AS_OF": "2026-03-10 12:00:00",
            },
            folder=self.warehouse.parent,
        )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """The project built on a warehouse without any source: every relation is there, and empty."""
    folder = tmp_path_factory.mktemp("dbt")
    dbt = Dbt(folder, folder / "warehouse.duckdb")
    left_out = ("test", "unit_test", "exposure")
    results = dbt.run("build", *(f"--exclude-resource-type={kind}" for kind in left_out))
    assert [result for result in results if result.status != "success"] == []
    return dbt


@pytest.fixture(scope="session")
def tested(built: Dbt) -> Mapping[str, Mapping[str, Any]]:
    """The result of every unit test and, on a warehouse without any source, of every data test."""
    built.run("test")
    return built.results
