"""Check the mirror: measure it with DuckDB, and let Great Expectations judge."""

from datetime import UTC, datetime
from pathlib import Path

from sselfie_insights.check.judge import Finding, judge
from sselfie_insights.check.measure import MeasuredMirror
from sselfie_insights.check.results import CheckResult, Status
from sselfie_insights.check.rules import list_checks
from sselfie_insights.check.severities import Severities, load_severities
from sselfie_insights.clock import parse_instant
from sselfie_insights.contract import apply_owner, load_contract
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse.meta import read_last_sync
from sselfie_insights.warehouse.reading import OpenWarehouse


def check_mirror(warehouse: Path, settings: Settings) -> list[CheckResult]:
    """Return what became of every check of the mirror in ``warehouse``, which stays as it is.

    A check of something that the mirror lacks gives no result; the check ``present`` does.

    Args:
        warehouse: A DuckDB file that nobody has open for writing.
        settings: Those of the run: ``as_of``, ``checks`` and ``source_schemas`` matter.

    Raises:
        UsageError: There is no warehouse, nothing was synced into it, or the severities are wrong.
    """
    checks = list_checks(apply_owner(load_contract(), settings.values, settings.units))
    severities = load_severities(settings)
    with OpenWarehouse(warehouse) as opened:
        connection = opened.connection
        sync = read_last_sync(connection, warehouse)
        read_at = sync.snapshot_at.replace(tzinfo=None)
        as_of = read_at
        if settings.as_of is not None:
            as_of = parse_instant(settings.as_of, settings.timezone).replace(tzinfo=None)
        mirror = MeasuredMirror(connection, max(read_at, as_of), as_of)
        findings = judge(mirror, checks, settings.source_schemas[0])
    now = datetime.now(UTC)
    return [_as_result(finding, severities, sync.run_id, now) for finding in findings]


def _as_result(finding: Finding, severities: Severities, run_id: str, now: datetime) -> CheckResult:
    table, column = finding.check.subject
    status: Status = "failed" if finding.is_failed else "passed"
    return CheckResult(
        run_id=run_id,
        checked_at=now,
        suite="mirror",
        check_name=finding.check.name,
        table_name=table,
        column_name=column,
        severity=severities.of("mirror", finding.check.name),
        status="broken" if finding.is_broken else status,
        failed_rows=None if finding.is_broken else finding.failed_rows,
        checked_rows=finding.checked_rows,
        detail="it could not be evaluated" if finding.is_broken else finding.detail,
    )
