"""Build the marts for an instant: in a private copy of the warehouse, or inside Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import duckdb

from sselfie_insights import __version__
from sselfie_insights.clock import parse_instant
from sselfie_insights.errors import ChecksFailedError, SselfieError, UsageError
from sselfie_insights.marts.dbt import FAILED, NodeResult, Progress, run_dbt
from sselfie_insights.postgres import connect
from sselfie_insights.run.publish import writable_copy
from sselfie_insights.settings import Settings


@dataclass(frozen=True)
class BuildReport:
    """What a build made: the instant it speaks for, and the numbers of models and tests."""

    as_of: datetime
    model_count: int
    test_count: int
    seconds: float


@dataclass(frozen=True)
class LastSync:
    """The sync that filled the mirror: its run id and the instant of its snapshot (UTC)."""

    run_id: str
    snapshot_at: datetime


def build(settings: Settings, *, on_progress: Progress | None = None) -> BuildReport:
    """Build every mart from the mirror, test them, and publish the warehouse.

    The marts speak for ``settings.as_of``, by default the instant of the last sync. Only a build
    of that present adds to the history of mutable rows that the source does not keep.

    Raises:
        UsageError: There is no warehouse, or nothing was synced into it.
        ChecksFailedError: A test failed; nothing was published.
        SselfieError: A model failed; nothing was published.
        LockedError: Another run holds the warehouse.
    """
    if not settings.warehouse.exists():
        raise UsageError(f"no warehouse at {settings.warehouse}", remedy="run 'sselfie sync' first")
    with writable_copy(settings.warehouse) as private:
        return _run(
            settings,
            _read_last_sync(private),
            target="duckdb",
            source_schema="raw",
            environment={"SSELFIE_DBT_WAREHOUSE": str(private)},
            on_progress=on_progress,
        )


def build_in_postgres(settings: Settings, *, on_progress: Progress | None = None) -> BuildReport:
    """Build every mart inside the source database, in the schema ``analytics``, and test them.

    The marts speak for ``settings.as_of``, by default the server's present.

    Raises:
        UsageError: No database is set.
        SourceError: The database cannot be reached.
        ChecksFailedError: A test failed.
        SselfieError: A model failed.
    """
    url = settings.require_database_url()
    with connect(url) as connection:
        row = connection.execute("select now()").fetchone()
        info = connection.info
        environment = {
            "SSELFIE_DBT_HOST": info.host,
            "SSELFIE_DBT_PORT": str(info.port),
            "SSELFIE_DBT_USER": info.user,
            "SSELFIE_DBT_DATABASE": info.dbname,
            "SSELFIE_DBT_SSLMODE": info.get_parameters().get("sslmode", "prefer"),
            "DBT_ENV_SECRET_PASSWORD": info.password,
        }
    assert row is not None  # noqa: S101  # a select without a from has one row
    return _run(
        settings,
        LastSync("", row[0].astimezone(UTC)),
        target="postgres",
        source_schema=settings.source_schemas[0],
        environment=environment,
        on_progress=on_progress,
    )


def _run(
    settings: Settings,
    sync: LastSync,
    *,
    target: str,
    source_schema: str,
    environment: dict[str, str],
    on_progress: Progress | None,
) -> BuildReport:
    started = monotonic()
    as_of = parse_instant(settings.as_of, settings.timezone) if settings.as_of else sync.snapshot_at
    left_out = ["exposure", "unit_test", *(["snapshot"] if settings.as_of else [])]
    artifacts = artifacts_dir(settings.warehouse)
    artifacts.mkdir(mode=0o700, exist_ok=True)
    results = run_dbt(
        ["build", *(f"--exclude-resource-type={kind}" for kind in left_out)],
        target=target,
        target_path=artifacts / target,
        variables={
            "timezone": settings.timezone,
            "grace_days": settings.grace_days,
            "internal_accounts": list(settings.internal_accounts),
            "internal_domains": list(settings.internal_domains),
            "source_schema": source_schema,
        },
        environment={
            **environment,
            "SSELFIE_DBT_AS_OF": _as_timestamp(as_of),
            "SSELFIE_DBT_SYNCED_AT": _as_timestamp(sync.snapshot_at),
            "SSELFIE_DBT_RUN_ID": sync.run_id,
            "SSELFIE_DBT_VERSION": __version__,
        },
        on_progress=on_progress,
    )
    _require_success(results)
    tests = [result for result in results if result.is_test]
    return BuildReport(as_of, len(results) - len(tests), len(tests), monotonic() - started)


def artifacts_dir(warehouse: Path) -> Path:
    """Return the folder beside ``warehouse`` where dbt keeps its artifacts between runs."""
    return warehouse.resolve().with_name(f".{warehouse.name}.dbt")


def _as_timestamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _read_last_sync(warehouse: Path) -> LastSync:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        try:
            row = connection.execute(
                "select run_id, epoch_us(snapshot_at) from meta.sync_runs "
                "order by snapshot_at desc limit 1"
            ).fetchone()
        except duckdb.CatalogException:
            row = None
    if row is None:
        raise UsageError(
            f"nothing was synced into {warehouse.name} yet", remedy="run 'sselfie sync' first"
        )
    return LastSync(row[0], datetime.fromtimestamp(row[1] / 1_000_000, UTC))


def _require_success(results: Sequence[NodeResult]) -> None:
    failed = [result for result in results if result.status in FAILED]
    models = [result for result in failed if not result.is_test]
    if models:
        first = models[0]
        raise SselfieError(
            f"{len(models)} of the models failed, first {first.name}: "
            + " ".join(first.message.split()),
            remedy="nothing was published",
        )
    if failed:
        raise ChecksFailedError(
            f"{len(failed)} tests failed: " + ", ".join(result.name for result in failed),
            remedy="nothing was published",
        )
