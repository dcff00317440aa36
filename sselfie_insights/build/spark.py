"""Build the marts on Spark, from the lake, and bring them back into the warehouse."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from sselfie_insights.build.dbt import NodeResult, Progress
from sselfie_insights.build.marts import (
    BuildReport,
    complete,
    judge,
    own_artifacts,
    read_sync,
    require_buildable,
    run_in,
    run_with,
)
from sselfie_insights.errors import UsageError
from sselfie_insights.lake.push import push
from sselfie_insights.lake.runs import Column, publish_run, pull, run_path
from sselfie_insights.lake.session import require_reachable, write_views
from sselfie_insights.lake.store import Store
from sselfie_insights.query.lineage import read_models
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse.journal import new_run_id
from sselfie_insights.warehouse.publish import writable_copy

_HISTORIES = ["build", "--select", "+path:snapshots", "--exclude-resource-type=test"]
"""What only DuckDB makes: no lake keeps what no source can give back."""


def build_on_spark(settings: Settings, *, on_progress: Progress | None = None) -> BuildReport:
    """Push the mirror to the lake, build and test every mart on Spark, and publish them here.

    The marts speak for ``settings.as_of``, by default the instant of the last sync.

    Args:
        settings: The settings in force.
        on_progress: Called after every node.

    Raises:
        UsageError: There is no warehouse, nothing was synced into it, a setting is missing, or a
            file of the user's is wrong, see ``require_buildable``.
        SourceError: Spark cannot be reached.
        StorageError: The lake cannot be read or written.
        ChecksFailedError: A test failed; nothing was published.
        SselfieError: A model failed; nothing was published.
        LockedError: Another run holds the warehouse.
    """
    if not settings.warehouse.exists():
        raise UsageError(f"no warehouse at {settings.warehouse}", remedy="run 'sselfie sync' first")
    store = Store(settings.require_lake_url())
    remote = settings.require_spark_remote()
    require_reachable(remote)
    with writable_copy(settings.warehouse) as private:
        require_buildable(settings)
        return _build_into(private, settings, store, remote, on_progress)


def _build_into(
    private: Path, settings: Settings, store: Store, remote: str, on_progress: Progress | None
) -> BuildReport:
    started = monotonic()
    sync = read_sync(private)
    if not settings.as_of:
        run_in(private, settings, sync, _HISTORIES)
    pushed = push(private, store)
    artifacts = own_artifacts(settings, "spark")
    views = private.with_name("lake-views.json")
    write_views(views, store, pushed.tables)
    run_id = new_run_id(datetime.now(UTC))
    store.make(run_path(run_id))
    try:
        as_of, results = run_with(
            settings,
            sync,
            command=["build", "--exclude-resource-type=snapshot"],
            target="spark",
            target_path=artifacts,
            source_schema="raw",
            environment={
                "SSELFIE_DBT_SPARK_REMOTE": remote,
                "SSELFIE_DBT_LAKE_VIEWS": str(views),
                "SSELFIE_DBT_LAKE_RUN": store.url(run_path(run_id)),
                "SSELFIE_DBT_TEST_SEVERITY": "warn",
            },
            on_progress=on_progress,
        )
        models = read_models(artifacts / "manifest.json")
        gaps, findings = judge(private, settings, sync, results, models, artifacts)
        marts = _read_marts(artifacts, results)
        pull(private, store, run_id, marts)
        publish_run(store, run_id, sorted(marts))
    except BaseException:
        store.delete(run_path(run_id))
        raise
    store.delete(f"{run_path(run_id)}/levels")
    return complete(private, settings, as_of, results, findings, gaps, started)


def _read_marts(artifacts: Path, results: Sequence[NodeResult]) -> Mapping[str, list[Column]]:
    """Return the columns of the marts that were made, with the types of their contracts."""
    nodes = json.loads((artifacts / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    made = [nodes[result.unique_id] for result in results if result.status == "success"]
    return {
        node["name"]: [
            Column(name, column["data_type"]) for name, column in node["columns"].items()
        ]
        for node in made
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
