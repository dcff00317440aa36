"""What became of each check, and the table ``meta.check_results`` that keeps it.

A result holds names, counts and limits; of the data, only code words that are not documented.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb

from sselfie_insights.errors import ChecksFailedError, name_some
from sselfie_insights.sql import literal
from sselfie_insights.warehouse.meta import CHECK_RESULTS
from sselfie_insights.warehouse.publish import WRITER

Suite = Literal["mirror", "marts"]
Severity = Literal["error", "warn"]
Status = Literal["passed", "failed", "broken"]


@dataclass(frozen=True)
class CheckResult:
    """What became of one check; a row of ``meta.check_results``.

    Attributes:
        run_id: The sync whose data was checked.
        checked_at: When (aware).
        suite: ``mirror`` (Great Expectations on the mirror) or ``marts`` (dbt's tests).
        check_name: Its name in that suite, as ``checks.yml`` names it.
        table_name: The table or model that it is about; empty for a test of several models.
        column_name: The column that it is about, if it is about one.
        severity: ``error`` keeps a run from publishing, ``warn`` is shown on the page.
        status: ``passed``, ``failed``, or ``broken`` when the check itself could not run.
        failed_rows: Rows that break the rule; None where the rule is not about rows.
        checked_rows: Rows that were looked at; None where that is not known.
        detail: The finding in words; empty when passed. Of cells it quotes only code words that a
            column of a few documented ones holds besides them.
    """

    run_id: str
    checked_at: datetime
    suite: Suite
    check_name: str
    table_name: str
    column_name: str | None
    severity: Severity
    status: Status
    failed_rows: int | None
    checked_rows: int | None
    detail: str


def record(target: Path | duckdb.DuckDBPyConnection, results: Sequence[CheckResult]) -> None:
    """Write ``results`` to ``meta.check_results``, in place of the former ones of their suites.

    Args:
        target: The private copy of a warehouse, by its path or open for writing.
        results: What became of the checks of one suite or both.
    """
    if isinstance(target, Path):
        with duckdb.connect(str(target), config=WRITER) as connection:
            record(connection, results)
        return
    target.execute(CHECK_RESULTS)
    if not results:
        return
    suites = ", ".join(sorted({literal(result.suite) for result in results}))
    target.execute(f"delete from meta.check_results where suite in ({suites})")
    rows = ", ".join(f"({', '.join(map(literal, astuple(result)))})" for result in results)
    target.execute(f"insert into meta.check_results values {rows}")


def failures(results: Iterable[CheckResult], severity: Severity) -> list[CheckResult]:
    """Return the results of that severity that did not pass: failed ones and broken ones."""
    return [
        result for result in results if result.severity == severity and result.status != "passed"
    ]


def sum_up(results: Sequence[CheckResult]) -> str:
    """Return in words how many checks passed, and what the first that warn found."""
    passed = sum(result.status == "passed" for result in results)
    warned = failures(results, "warn")
    words = f"; {len(warned)} warn: {name_some(map(describe, warned))}" if warned else ""
    return f"{passed} of {len(results)} checks passed{words}"


def require_passed(results: Iterable[CheckResult]) -> None:
    """Raise when a check of severity ``error`` did not pass.

    Raises:
        ChecksFailedError: It names the checks.
    """
    failed = failures(results, "error")
    if not failed:
        return
    suites = {
        suite: ", ".join(f"{each.check_name}: warn" for each in failed if each.suite == suite)
        for suite in sorted({each.suite for each in failed})
    }
    lines = " and ".join(f"{suite}: {{{names}}}" for suite, names in suites.items())
    count = "1 check" if len(failed) == 1 else f"{len(failed)} checks"
    raise ChecksFailedError(
        f"{count} failed: {name_some(map(describe, failed))}",
        remedy="mend the source, or say what it means ('sselfie doctor' prints the line), or"
        f" publish all the same: put into checks.yml: {lines}",
    )


def describe(result: CheckResult) -> str:
    """Return the name of a check that did not pass, and what it found."""
    if result.status == "broken":
        return f"{result.check_name} (could not run)"
    return f"{result.check_name} ({result.detail})" if result.detail else result.check_name
