"""Whether the warehouse is there, readable, private, unlocked and fresh, and what to do if not."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sselfie_insights.clock import write_instant
from sselfie_insights.errors import (
    ExitCode,
    LockedError,
    SselfieError,
    StaleError,
    StorageError,
    UsageError,
)
from sselfie_insights.files import real_path
from sselfie_insights.report.notices import (
    describe_age,
    describe_checks,
    describe_gaps,
    describe_unknown,
)
from sselfie_insights.settings import Settings
from sselfie_insights.setup.doctor.finding import Finding, attempt, failed
from sselfie_insights.sync.state import read_state
from sselfie_insights.warehouse.format import FORMAT_VERSION
from sselfie_insights.warehouse.journal import read_journal
from sselfie_insights.warehouse.lock import warehouse_lock
from sselfie_insights.warehouse.paths import private_dir
from sselfie_insights.warehouse.reading import OpenWarehouse
from sselfie_insights.warehouse.space import require_space


def check_warehouse(settings: Settings) -> Iterator[Finding]:
    """Yield what is found of the published file, its surroundings and its journal."""
    warehouse = real_path(settings.warehouse)
    yield attempt("folder", lambda: _check_folder(warehouse.parent))
    yield attempt("disk", lambda: str(require_space(warehouse)))
    if not warehouse.exists():
        yield Finding("warehouse", "warning", f"{warehouse} is not there yet", "run 'sselfie run'")
    else:
        yield attempt("warehouse", lambda: _check_file(warehouse))
        if warehouse.is_file():
            yield _check_mode(warehouse)
        yield from _check_content(settings)
    yield _check_lock(warehouse)
    yield _check_journal(warehouse)
    yield attempt("output", lambda: _check_output(settings.output_dir))


def _check_folder(folder: Path) -> str:
    if not folder.is_dir():
        raise UsageError(f"{folder} does not exist", remedy="create it, or set SSELFIE_WAREHOUSE")
    if not os.access(folder, os.W_OK):
        raise UsageError(
            f"{folder} cannot be written", remedy="change its permissions, or set SSELFIE_WAREHOUSE"
        )
    return f"{folder} can be written"


def _check_file(warehouse: Path) -> str:
    tables = len(read_state(warehouse).tables)
    if not tables:
        raise UsageError(f"{warehouse} holds no mirror", remedy="run 'sselfie sync --full'")
    return f"{warehouse}, format {FORMAT_VERSION}, {tables} tables mirrored"


def _check_mode(warehouse: Path) -> Finding:
    mode = stat.S_IMODE(warehouse.stat().st_mode)
    if mode & 0o077:
        return Finding(
            "mode", "warning", f"others can read it (mode {mode:o})", f"chmod 600 {warehouse}"
        )
    return Finding("mode", "ok", f"only its owner can read it (mode {mode:o})")


def _check_content(settings: Settings) -> Iterator[Finding]:
    """Yield what the marts say of themselves: their age, their checks, what the source lacks."""
    try:
        with OpenWarehouse(settings.warehouse) as warehouse:
            stamp = warehouse.stamp
            checks = describe_checks(warehouse.connection)
            gaps = describe_gaps(warehouse.connection)
            unknown = describe_unknown(warehouse)
    except SselfieError as error:
        yield failed("marts", error)
        return
    yield Finding("marts", "ok", f"as of {write_instant(stamp.as_of)}, by {stamp.version}")
    message = describe_age(settings, stamp)
    if message:
        yield failed("age", StaleError(message.rstrip("."), remedy="run 'sselfie run'"))
    elif stamp.synced_at is not None:
        hours = (datetime.now(UTC) - stamp.synced_at).total_seconds() / 3600
        limit = f", {settings.max_age} allowed" if settings.max_age else ", no limit set (max_age)"
        yield Finding("age", "ok", f"the source was read {hours:,.1f} hours ago{limit}")
    for notice in unknown:
        yield Finding("numbers", "warning", notice.rstrip("."), "see 'columns' above")
    for notice in checks:
        yield Finding("checks", "warning", notice.rstrip("."), "run 'sselfie report show quality'")
    if gaps:
        yield Finding("contract", "warning", gaps.rstrip("."), "run 'sselfie status'")


def _check_lock(warehouse: Path) -> Finding:
    """Look for a run at work, or for what one left behind that died."""
    if not os.access(warehouse.parent, os.W_OK):
        return Finding(
            "lock", "warning", "not looked at: the folder cannot be written", "see above"
        )
    try:
        with warehouse_lock(warehouse):
            leftover = private_dir(warehouse)
            if leftover.exists():
                return Finding(
                    "lock",
                    "warning",
                    f"a run died and left {leftover}",
                    "the next run removes it; or remove it now",
                )
    except LockedError as error:
        return Finding("lock", "warning", error.message, error.remedy)
    except SselfieError as error:
        return failed("lock", error)
    return Finding("lock", "ok", "no run is at work, none left anything behind")


def _check_journal(warehouse: Path) -> Finding:
    try:
        journal = read_journal(warehouse)
    except StorageError as error:
        return failed("last run", error)
    if not journal:
        return Finding("last run", "ok", "none yet")
    last = journal[-1]
    at = write_instant(datetime.fromisoformat(last["finished_at"]))
    if last["exit_code"] == ExitCode.DONE:
        return Finding("last run", "ok", f"{last['command']} at {at}")
    message = f"{last['command']} at {at} ended with exit {last['exit_code']}"
    remedy = str(last.get("remedy", ""))
    reason = str(last.get("error", "")).removesuffix(remedy).rstrip(": ")
    again = f"run 'sselfie {last['command']}'"
    return Finding(
        "last run",
        "warning",
        f"{message}: {reason}",
        f"{remedy}; then {again}" if remedy else again,
    )


def _check_output(folder: Path) -> str:
    existing = next(
        parent for parent in (real_path(folder), *real_path(folder).parents) if parent.exists()
    )
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise UsageError(
            f"{existing} cannot be written", remedy="change it, or set SSELFIE_OUTPUT_DIR"
        )
    return f"{real_path(folder)} can be written"
