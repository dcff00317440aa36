"""Build the marts for an instant, in a private copy of the warehouse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import duckdb

from sselfie_insights import __version__
from sselfie_insights.build.checks import from_dbt, read_test_names
from sselfie_insights.build.dbt import FAILED, NodeResult, Progress, run_dbt
from sselfie_insights.build.failures import drop_unmade, require_headlines
from sselfie_insights.check.results import CheckResult, failures, record, require_passed
from sselfie_insights.check.severities import load_severities
from sselfie_insights.clock import parse_instant
from sselfie_insights.definitions import DEFINITIONS
from sselfie_insights.errors import SselfieError, UsageError, name_some
from sselfie_insights.files import make_folder, real_path
from sselfie_insights.money import unusual_digits
from sselfie_insights.price_list import read_price_list
from sselfie_insights.query.lineage import Model, load_models
from sselfie_insights.query.needs import record_unknown
from sselfie_insights.rates import minor_rates
from sselfie_insights.report.differences import describe_differences
from sselfie_insights.report.notices import describe_unlisted
from sselfie_insights.settings import Settings
from sselfie_insights.sync.names import DOCUMENTED, Names
from sselfie_insights.warehouse.gaps import Gap, attempt, record_gaps
from sselfie_insights.warehouse.meta import LastSync, read_last_sync
from sselfie_insights.warehouse.paths import artifacts_dir
from sselfie_insights.warehouse.publish import WRITER, writable_copy
from sselfie_insights.warehouse.storage import OFFLINE, explain_storage

_LIABILITY = [
    *("build", "--select", "+liability"),
    *("--exclude-resource-type=test", "--exclude-resource-type=seed"),
]


@dataclass(frozen=True)
class BuildReport:
    """What a build made.

    Attributes:
        as_of: The instant that the marts speak for (UTC).
        model_count: The models, seeds and snapshots that were built.
        test_count: The tests that ran.
        warnings: The names of the tests of severity ``warn`` that did not pass.
        remarks: What was counted though the price list, or the payment given back, does not
            allow for it, and where Stripe's exports differ, in sentences.
        test_seconds: What the tests took, as if one ran after the other.
        seconds: What the build took.
        gaps: The tables that could not be made, and why; no headline number rests on them.
    """

    as_of: datetime
    model_count: int
    test_count: int
    warnings: tuple[str, ...]
    remarks: tuple[str, ...]
    test_seconds: float
    seconds: float
    gaps: tuple[Gap, ...] = ()

    @property
    def test_summary(self) -> str:
        """In words, how many tests passed, and the first that did not."""
        passed = self.test_count - len(self.warnings)
        words = f"; {len(self.warnings)} warn: {name_some(self.warnings)}" if self.warnings else ""
        return f"{passed} of {self.test_count} tests passed{words}"


def build(settings: Settings, *, on_progress: Progress | None = None) -> BuildReport:
    """Build every mart from the mirror, test them, and publish the warehouse.

    The marts speak for ``settings.as_of``, by default the instant of the last sync. Only a build
    of that present adds to the history of mutable rows that the source does not keep.

    Raises:
        UsageError: There is no warehouse, nothing was synced into it, or a file of the user's is
            wrong, see ``require_buildable``.
        ChecksFailedError: A test failed; nothing was published.
        SselfieError: A model failed; nothing was published.
        LockedError: Another run holds the warehouse.
    """
    if not settings.warehouse.exists():
        raise UsageError(f"no warehouse at {settings.warehouse}", remedy="run 'sselfie sync' first")
    with writable_copy(settings.warehouse) as private:
        require_buildable(settings)
        return build_into(private, settings, on_progress=on_progress)


def require_buildable(settings: Settings) -> None:
    """Refuse files of the user's that would stop a build, before anything is read or built.

    Those are severities of tests of the marts that there are none of, a wrong alerts file, and a
    damaged record of exports. The caller holds the warehouse.

    Raises:
        UsageError: One of them is wrong; the message names it.
    """
    from sselfie_insights.build.derived import require_derivable

    require_derivable(settings.warehouse)
    _require_known_tests(settings)


def _require_known_tests(settings: Settings) -> None:
    """Ask dbt, which takes seconds, only where the names that it saw last are not enough."""
    severities = load_severities(settings)
    if not severities.has_own("marts"):
        return
    artifacts = own_artifacts(settings, "duckdb")
    try:
        severities.require_known("marts", read_test_names(artifacts))
    except UsageError:
        sync = LastSync("", datetime.now(UTC))
        run_in(real_path(settings.warehouse), settings, sync, ["test", "--exclude=*"])
        severities.require_known("marts", read_test_names(artifacts))


def build_into(
    private: Path, settings: Settings, *, on_progress: Progress | None = None
) -> BuildReport:
    """Build every mart in a private copy, test them, record the findings, forecast and derive.

    Models, snapshots and tests are one call of dbt: to start it twice takes seconds. dbt only
    says what the tests found; ``checks.yml`` says how severe that is.

    Args:
        private: The private copy of a run that holds the warehouse.
        settings: The settings in force.
        on_progress: Called after every node.

    Raises:
        UsageError: Nothing was synced into the copy.
        ChecksFailedError: A test of severity ``error`` failed.
        SselfieError: A model failed that headline numbers rest on.
    """
    started = monotonic()
    sync = read_sync(private)
    as_of, results = run_in(private, settings, sync, ["build"], on_progress)
    artifacts, models = own_artifacts(settings, "duckdb"), load_models(settings.warehouse)
    gaps, findings = judge(private, settings, sync, results, models, artifacts)
    return complete(private, settings, as_of, results, findings, gaps, started)


def judge(
    private: Path,
    settings: Settings,
    sync: LastSync,
    results: Sequence[NodeResult],
    models: Mapping[str, Model],
    artifacts: Path,
) -> tuple[list[Gap], list[CheckResult]]:
    """Record what the tests of a build found; return the tables that it could not make, and that.

    Args:
        private: The private copy.
        settings: The settings in force.
        sync: The sync that was built.
        results: What became of dbt's nodes.
        models: What dbt knows of its tables.
        artifacts: Where dbt left its artifacts.

    Raises:
        ChecksFailedError: A test of severity ``error`` failed.
        SselfieError: A model failed that headline numbers rest on.
    """
    gaps = require_headlines(results, models)
    findings = from_dbt(results, settings, sync.run_id, artifacts)
    record(private, findings)
    require_passed(findings)
    return gaps, findings


def complete(
    private: Path,
    settings: Settings,
    as_of: datetime,
    results: Sequence[NodeResult],
    findings: Sequence[CheckResult],
    gaps: list[Gap],
    started: float,
) -> BuildReport:
    """Forecast and derive what Python computes from tested marts in a private copy, and report.

    Args:
        private: The private copy.
        settings: The settings in force.
        as_of: The instant that the marts speak for.
        results: What became of dbt's nodes.
        findings: What became of the tests.
        gaps: The tables that could not be made.
        started: When the build began, as ``time.monotonic`` says it.
    """
    from sselfie_insights.build.derived import write_derived
    from sselfie_insights.diff.closed import record_restatements
    from sselfie_insights.forecast import write_forecasts
    from sselfie_insights.report.site import decide_site

    with duckdb.connect(str(private), config=WRITER) as connection:
        drop_unmade(connection, gaps)
        unknown = record_unknown(connection)
    write_forecasts(private, discount_rate=settings.discount_rate, on_gap=gaps.append)
    attempt("closed.restatements", lambda: record_restatements(private, settings), gaps.append)
    write_derived(private, settings.warehouse, on_gap=gaps.append)
    attempt("meta.suppression", lambda: decide_site(private, settings.warehouse), gaps.append)
    warnings = tuple(finding.check_name for finding in failures(findings, "warn"))
    with duckdb.connect(str(private), config=WRITER) as connection:
        record_gaps(connection, gaps)
        remarks = (
            *unknown,
            *describe_unlisted(connection, with_sizes=True),
            *describe_differences(connection, with_sizes=True),
        )
    return report_build(as_of, results, warnings, remarks, started, tuple(gaps))


def build_liability(scratch: Path, settings: Settings, as_of: datetime) -> None:
    """Build the marts of the credit liability as of another instant.

    Args:
        scratch: A copy of the warehouse, whose marts then speak for ``as_of`` in part.
        settings: The settings in force.
        as_of: The instant (UTC).

    Raises:
        UsageError: Nothing was synced into the copy.
        SselfieError: A model failed.
    """
    at = settings.model_copy(update={"as_of": as_of.isoformat()})
    _, results = run_in(scratch, at, read_sync(scratch), _LIABILITY)
    require_models(results)


def run_in(
    warehouse: Path,
    settings: Settings,
    sync: LastSync,
    command: list[str],
    on_progress: Progress | None = None,
) -> tuple[datetime, list[NodeResult]]:
    """Run dbt on a warehouse of this run's own, by its name; dbt parses the project only once."""
    return run_with(
        settings,
        sync,
        command=command,
        target="duckdb",
        target_path=own_artifacts(settings, "duckdb"),
        source_schema="raw",
        environment={"SSELFIE_DBT_WAREHOUSE": warehouse.name, "SSELFIE_DBT_TEST_SEVERITY": "warn"},
        folder=warehouse.parent,
        on_progress=on_progress,
    )


def run_with(
    settings: Settings,
    sync: LastSync,
    *,
    command: list[str],
    target: str,
    target_path: Path,
    source_schema: str,
    environment: dict[str, str],
    on_progress: Progress | None,
    folder: Path | None = None,
    names: Names = DOCUMENTED,
) -> tuple[datetime, list[NodeResult]]:
    """Run dbt; return the instant that the marts speak for and what became of every node.

    The mirror has documented names; ``names`` are those of another source.
    """
    as_of = parse_instant(settings.as_of, settings.timezone) if settings.as_of else sync.snapshot_at
    left_out = ["unit_test"]
    if command[0] == "build":
        left_out += ["exposure", *(["snapshot"] if settings.as_of else [])]
    results = run_dbt(
        [*command, *(f"--exclude-resource-type={kind}" for kind in left_out)],
        target=target,
        target_path=target_path,
        variables={
            "timezone": settings.timezone,
            "stripe_timezone": settings.stripe_timezone or "",
            "week_start": settings.week_start,
            "grace_days": settings.grace_days,
            "spend_paid_credits_first": settings.spend_paid_credits_first,
            "internal_accounts": list(settings.internal_accounts),
            "internal_domains": list(settings.internal_domains),
            "source_schema": source_schema,
            "renamed_tables": dict(names.tables),
            "renamed_columns": {table: dict(of) for table, of in names.columns.items()},
            "mapped_values": settings.values,
            "major_units": {
                table: [name for name, unit in units.items() if unit == "major"]
                for table, units in settings.units.items()
            },
            "minor_digits": unusual_digits() if settings.units else {},
            "price_list": [
                price.model_dump(mode="json", exclude={"name"}) for price in read_price_list()
            ],
            "reporting_currency": settings.reporting_currency or "",
            "exchange_rates": minor_rates(settings.reporting_currency),
        },
        environment={
            **environment,
            "SSELFIE_DBT_AS_OF": _as_timestamp(as_of),
            "SSELFIE_DBT_SYNCED_AT": _as_timestamp(sync.snapshot_at),
            "SSELFIE_DBT_RUN_ID": sync.run_id,
            "SSELFIE_DBT_VERSION": __version__,
            "SSELFIE_DBT_DEFINITIONS": str(DEFINITIONS),
        },
        folder=folder,
        on_progress=on_progress,
    )
    return as_of, results


def report_build(
    as_of: datetime,
    results: Sequence[NodeResult],
    warnings: tuple[str, ...],
    remarks: tuple[str, ...],
    started: float,
    gaps: tuple[Gap, ...] = (),
) -> BuildReport:
    """Return what a build made, from what became of dbt's nodes."""
    tests = [result for result in results if result.is_test]
    return BuildReport(
        as_of=as_of,
        gaps=gaps,
        model_count=len(results) - len(tests),
        test_count=len(tests),
        warnings=warnings,
        remarks=remarks,
        test_seconds=sum(test.seconds for test in tests),
        seconds=monotonic() - started,
    )


def own_artifacts(settings: Settings, target: str) -> Path:
    """Return where dbt leaves its artifacts of a target, beside the warehouse."""
    artifacts = artifacts_dir(settings.warehouse)
    make_folder(artifacts)
    return artifacts / target


def _as_timestamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def read_sync(warehouse: Path) -> LastSync:
    """Return what the last sync into ``warehouse`` was.

    Raises:
        UsageError: There was none.
    """
    with duckdb.connect(str(warehouse), read_only=True, config=OFFLINE) as connection:
        return read_last_sync(connection, warehouse)


def require_models(results: Sequence[NodeResult]) -> None:
    """Raise an error that names the first of the models that failed, if one did."""
    models = [result for result in results if result.status in FAILED and not result.is_test]
    if not models:
        return
    reason = " ".join(models[0].message.split())
    if failure := explain_storage(reason):
        raise failure
    raise SselfieError(
        f"{len(models)} of the models failed, first {models[0].name}: {reason}",
        remedy="nothing was published",
    )
