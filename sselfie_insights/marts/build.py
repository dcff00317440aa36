"""Build the marts of a warehouse for an instant, on a private copy, and publish them."""

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
    """Build every mart from the mirror and publish the warehouse; run the tests on them first.

    The marts speak for ``settings.as_of``, by default the instant of the last sync.

    Raises:
        UsageError: There is no warehouse, or nothing was synced into it.
        ChecksFailedError: A test failed; nothing was published.
        SselfieError: A model failed; nothing was published.
        LockedError: Another run holds the warehouse.
    """
    started = monotonic()
    if not settings.warehouse.exists():
        raise UsageError(f"no warehouse at {settings.warehouse}", remedy="run 'sselfie sync' first")
    artifacts_dir(settings.warehouse).mkdir(mode=0o700, exist_ok=True)
    with writable_copy(settings.warehouse) as private:
        sync = _read_last_sync(private)
        as_of = (
            parse_instant(settings.as_of, settings.timezone) if settings.as_of else sync.snapshot_at
        )
        results = run_dbt(
            ["build", "--exclude-resource-type", "unit_test"],
            target="duckdb",
            target_path=artifacts_dir(settings.warehouse),
            variables=_variables(settings),
            environment={
                "SSELFIE_DBT_WAREHOUSE": str(private),
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


def _variables(settings: Settings) -> dict[str, object]:
    return {
        "timezone": settings.timezone,
        "grace_days": settings.grace_days,
        "internal_accounts": list(settings.internal_accounts),
        "internal_domains": list(settings.internal_domains),
    }


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
