from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.check import CheckResult, failures, record, require_passed
from sselfie_insights.errors import ChecksFailedError

PASSED = CheckResult(
    run_id="run-1",
    checked_at=datetime(2026, 3, 1, 4, tzinfo=UTC),
    suite="mirror",
    check_name="unique.users.id",
    table_name="users",
    column_name="id",
    severity="error",
    status="passed",
    failed_rows=0,
    checked_rows=7,
    detail="",
)
FAILED = replace(PASSED, status="failed", failed_rows=2, detail="2 rows repeat a key")
BROKEN = replace(PASSED, check_name="type.users.id", status="broken", failed_rows=None)
WARNED = replace(FAILED, severity="warn")
OF_MARTS = replace(PASSED, suite="marts", check_name="members_balance", column_name=None)


def test_results_replace_those_of_their_suite(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    record(path, [PASSED, OF_MARTS])
    with duckdb.connect(str(path)) as connection:
        record(connection, [replace(FAILED, run_id="run-2"), BROKEN])
        record(connection, [])
        rows = connection.execute(
            "select run_id, epoch(checked_at), suite, check_name, table_name, column_name,"
            " severity, status, failed_rows, checked_rows, detail"
            " from meta.check_results order by suite, check_name"
        ).fetchall()

    at = PASSED.checked_at.timestamp()
    assert rows == [
        ("run-1", at, "marts", "members_balance", "users", None, "error", "passed", 0, 7, ""),
        ("run-1", at, "mirror", "type.users.id", "users", "id", "error", "broken", None, 7, ""),
        ("run-2", at, "mirror", "unique.users.id", "users", "id", "error", "failed", 2, 7,
         "2 rows repeat a key"),
    ]  # fmt: skip


def test_what_did_not_pass_is_a_failure_broken_or_not() -> None:
    results = [PASSED, FAILED, BROKEN, WARNED]

    assert failures(results, "error") == [FAILED, BROKEN]
    assert failures(results, "warn") == [WARNED]


def test_warnings_let_a_run_publish() -> None:
    results = [PASSED, WARNED, replace(BROKEN, severity="warn")]

    require_passed(results)

    assert failures(results, "error") == []


def test_errors_do_not_and_are_named() -> None:
    with pytest.raises(ChecksFailedError) as error:
        require_passed([PASSED, FAILED, BROKEN, WARNED])

    assert error.value.exit_code == 4
    assert error.value.message == (
        "2 checks failed: unique.users.id (2 rows repeat a key), type.users.id (could not run)"
    )


def test_many_errors_are_counted() -> None:
    with pytest.raises(ChecksFailedError, match=r"^7 checks failed: .* and 2 more: "):
        require_passed([FAILED] * 7)
