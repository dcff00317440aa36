"""Every model, unit test and data test on Sail, which speaks Spark Connect; nothing is stored.

Slow: tests/integration/lake/test_build.py builds every model there, of a business with rows.
"""

from collections.abc import Mapping

import pytest

from sselfie_insights.build.dbt import NodeResult, run_dbt
from tests.dbt.conftest import Dbt
from tests.dbt.test_unit_tests import UNIT_TESTS
from tests.support.sail import running_sail

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def on_sail(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, NodeResult]:
    """What became of every node, by its id, on a lake without any table."""
    folder = tmp_path_factory.mktemp("sail")
    (folder / "views.json").write_text("[]")
    with running_sail() as remote:
        results = run_dbt(
            ["build", "--exclude-resource-type=snapshot", "--exclude-resource-type=exposure"],
            target="spark",
            target_path=folder / "target",
            variables={},
            environment={
                "SSELFIE_DBT_SPARK_REMOTE": remote,
                "SSELFIE_DBT_LAKE_VIEWS": str(folder / "views.json"),
                "SSELFIE_DBT_LAKE_RUN": str(folder / "run"),
                "SSELFIE_DBT_AS_OF": "2026-03-10 12:00:00",
            },
        )
    return {result.unique_id: result for result in results}


def test_every_model_is_made(on_sail: Mapping[str, NodeResult], built: Dbt) -> None:
    kinds = ("model.", "seed.")
    made = {key for key, node in on_sail.items() if node.status == "success"}

    assert {key for key in made if key.startswith(kinds)} == {
        key for key in built.manifest["nodes"] if key.startswith(kinds)
    }


def test_every_test_passes(on_sail: Mapping[str, NodeResult], built: Dbt) -> None:
    tests = {key: node for key, node in on_sail.items() if node.is_test}

    assert {key for key in tests if key.startswith("test.")} == {
        key for key in built.manifest["nodes"] if key.startswith("test.")
    }
    assert len([key for key in tests if key.startswith("unit_test.")]) == len(UNIT_TESTS)
    assert {key: node.message for key, node in tests.items() if node.status != "pass"} == {}
