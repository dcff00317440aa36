"""Run dbt's tests again, on the marts that are published."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from sselfie_insights.build.checks import from_dbt, read_test_names
from sselfie_insights.build.dbt import Progress
from sselfie_insights.build.marts import read_sync, run_with
from sselfie_insights.check.results import CheckResult
from sselfie_insights.files import real_path
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse.paths import artifacts_dir
from sselfie_insights.warehouse.storage import OFFLINE


def check_marts(
    settings: Settings,
    *,
    on_progress: Progress | None = None,
    on_note: Callable[[str], None] | None = None,
) -> list[CheckResult]:
    """Run dbt's tests on the published marts, which stay as they are.

    Args:
        settings: The settings in force.
        on_progress: Called after every test.
        on_note: Called with a sentence about tests whose tables a build on Spark left in the lake.

    Raises:
        UsageError: Nothing was synced into the warehouse, or the severities are wrong.
        SselfieError: dbt ended before it ran any test.
    """
    sync = read_sync(settings.warehouse)
    missing = _missing_layers(settings.warehouse)
    with TemporaryDirectory(prefix="sselfie-check-") as folder:
        artifacts, warehouse = Path(folder), real_path(settings.warehouse)
        _take_parsed(artifacts_dir(settings.warehouse) / "duckdb", artifacts)
        _, results = run_with(
            settings,
            sync,
            command=["test", *(f"--exclude={layer}" for layer in missing)],
            target="duckdb",
            target_path=artifacts,
            source_schema="raw",
            environment={
                "SSELFIE_DBT_WAREHOUSE": warehouse.name,
                "SSELFIE_DBT_ACCESS": "read_only",
                "SSELFIE_DBT_TEST_SEVERITY": "warn",
            },
            folder=warehouse.parent,
            on_progress=on_progress,
        )
        unseen = len(read_test_names(artifacts)) - len(results)
        if unseen and on_note:
            on_note(
                f"{unseen} tests could not be run here: they read tables that the build on Spark"
                " left in the lake, where they were run; 'sselfie build' makes them here"
            )
        return from_dbt(results, settings, sync.run_id, artifacts)


def _take_parsed(built: Path, artifacts: Path) -> None:
    """Begin with the project as the last build parsed it; dbt parses what has changed since."""
    with suppress(OSError):  # nothing was built here
        shutil.copy(built / "partial_parse.msgpack", artifacts)


def _missing_layers(warehouse: Path) -> list[str]:
    """Return the folders of models and seeds that the warehouse lacks, as dbt selects them."""
    layers = {
        "core": ["models/core"],
        "intermediate": ["models/intermediate"],
        "staging": ["models/staging", "seeds"],
    }
    with duckdb.connect(str(warehouse), read_only=True, config=OFFLINE) as connection:
        found = connection.execute(
            "select distinct table_schema from information_schema.tables"
        ).fetchall()
    schemas = {schema for (schema,) in found}
    return [
        f"path:{folder}"
        for layer, folders in layers.items()
        for folder in folders
        if layer not in schemas
    ]
