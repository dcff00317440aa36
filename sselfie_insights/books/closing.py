"""Close a month: freeze what was signed, and open it again with a reason."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb

from sselfie_insights import __version__
from sselfie_insights.clock import parse_zone, write_instant
from sselfie_insights.definitions import DEFINITIONS
from sselfie_insights.diff.closed import (
    LIABILITY,
    compare_closed,
    find_closing,
    read_month,
    read_row,
)
from sselfie_insights.diff.comparison import Comparison
from sselfie_insights.diff.numbers import add_months, is_same
from sselfie_insights.errors import (
    ChecksFailedError,
    ExitCode,
    StaleError,
    UsageError,
    name_some,
)
from sselfie_insights.files import make_folder
from sselfie_insights.query.casts import Row
from sselfie_insights.query.header import Unit
from sselfie_insights.query.library import load_library
from sselfie_insights.query.run import run_query
from sselfie_insights.report.notices import describe_age
from sselfie_insights.report.site import render_again
from sselfie_insights.settings import Settings
from sselfie_insights.sql import literal
from sselfie_insights.system import copy_file
from sselfie_insights.warehouse import closed, journal
from sselfie_insights.warehouse.closed import Closing, Figure, FigureKey
from sselfie_insights.warehouse.lock import warehouse_lock
from sselfie_insights.warehouse.publications import Note, retain
from sselfie_insights.warehouse.publish import WRITER, private_copy, publish
from sselfie_insights.warehouse.reading import OpenWarehouse, Stamp

_BUILDING = frozenset({"run", "sync", "build", "check"})


@dataclass(frozen=True)
class ClosingReport:
    """What was signed: the closing, how many figures, and what the signer should know first."""

    closing: Closing
    figure_count: int
    warnings: tuple[str, ...]


def parse_month(text: str) -> date:
    """Return the first day of the month that ``text`` names: ``2026-10``.

    Raises:
        UsageError: It names none.
    """
    try:
        return datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        raise UsageError(f"{text!r} is not a month", remedy="write 2026-10") from None


def close_month(
    settings: Settings, month: date, by: str, *, now: datetime | None = None
) -> ClosingReport:
    """Freeze the figures of ``month``, and the rows behind them, in the schema ``closed``.

    Those are revenue, MRR and its movements, churn and cohorts as the published marts give them,
    and the liability as of the month's end.

    Args:
        settings: The settings in force.
        month: Its first day.
        by: Who signs.
        now: The present (UTC); by default the clock's.

    Raises:
        UsageError: The month is not over, is closed, has no figures, or there are no marts of
            this version.
        StaleError: The data is older than the month's end, or than the setting ``max_age`` allows.
        ChecksFailedError: A check failed, of these marts or of the run after them.
        StorageError: The warehouse cannot be written.
        LockedError: A run holds the warehouse.
    """
    now = now or datetime.now(UTC)
    run_id = journal.new_run_id(now)
    with (
        journal.journaled(settings.warehouse, "close", run_id) as entry,
        warehouse_lock(settings.warehouse),
    ):
        entry |= {"month": f"{month:%Y-%m}", "closed_by": by, "published": False}
        journal.close_dead_runs(settings.warehouse, run_id)
        if not settings.warehouse.exists():
            raise UsageError(f"no warehouse at {settings.warehouse}", remedy="run 'sselfie run'")
        with private_copy(settings.warehouse) as private:
            with OpenWarehouse(private) as warehouse:
                stamp = warehouse.stamp
                number = _require_closable(settings, warehouse, month, now)
                figures = read_month(warehouse, load_library(), [month])[month]
                warnings = _find_warnings(warehouse, month, figures)
            if not figures:
                raise UsageError(f"{month:%Y-%m} has no figures: nothing is known of it")
            scratch, liability = _build_liability(private, settings, month, stamp)
            figures |= liability
            closing = _sign(number, month, by, now, stamp, figures)
            with duckdb.connect(str(private), config=WRITER) as db:
                db.execute(f"attach {literal(str(scratch))} as scratch (read_only)")
                db.begin()
                closed.write_closing(db, closing, figures)
                lots = f"scratch.marts.{closed.LOTS}"
                closed.keep_rows(db, closing.number, closed.LOTS, lots)
                db.commit()
                db.execute("detach scratch")
            publish(private, settings.warehouse)
        entry["published"] = True
        entry["checksum"] = closing.checksum
        entry["publication"] = retain(settings.warehouse, datetime.now(UTC)).name
        render_again(settings, warnings.append)
    return ClosingReport(closing, len(figures), tuple(warnings))


def reopen_month(
    settings: Settings,
    month: date,
    by: str,
    because: str,
    *,
    now: datetime | None = None,
    on_note: Note | None = None,
) -> Closing:
    """Open ``month`` again; what was signed stays, with who opened it, when and why.

    ``on_note`` receives why the site could not be rendered again, where that is so.

    Raises:
        UsageError: It is not closed, or no reason is given.
        StorageError: Its figures are not those that were signed, or the warehouse cannot be
            written.
        LockedError: A run holds the warehouse.
    """
    now = now or datetime.now(UTC)
    if not because.strip():
        raise UsageError("a month is opened for a reason", remedy="give --because TEXT")
    run_id = journal.new_run_id(now)
    with (
        journal.journaled(settings.warehouse, "reopen", run_id) as entry,
        warehouse_lock(settings.warehouse),
    ):
        entry |= {"month": f"{month:%Y-%m}", "reopened_by": by, "published": False}
        with private_copy(settings.warehouse) as private:
            with duckdb.connect(str(private), config=WRITER) as db:
                closing = find_closing(db, month)
                closed.reopen(db, closing, now, by, because.strip())
            publish(private, settings.warehouse)
        entry["published"] = True
        entry["publication"] = retain(settings.warehouse, datetime.now(UTC)).name
        render_again(settings, on_note)
    return replace(closing, reopened_at=now, reopened_by=by, reopened_because=because.strip())


def explain_closed(settings: Settings, month: date) -> Comparison:
    """Return which figures that were signed with ``month`` differ now, and why.

    The liability as of the month's end is built for it in a copy, which takes seconds.

    Raises:
        UsageError: The month is not closed.
        StorageError: The figures are not those that were signed.
        LockedError: A run holds the warehouse.
    """
    with private_copy(settings.warehouse) as private:
        with OpenWarehouse(private) as warehouse:
            find_closing(warehouse.connection, month)
            stamp = warehouse.stamp
        _, liability = _build_liability(private, settings, month, stamp)
        return compare_closed(settings, month, liability)


def list_closings(settings: Settings) -> tuple[dict[str, Unit], list[Row]]:
    """Return the columns, with their units, and the rows of every closing, reopened ones too.

    Raises:
        UsageError: There is no warehouse.
    """
    columns: dict[str, Unit] = {
        "closing": "count",
        "month": "month",
        "closed_at": "instant",
        "closed_by": "text",
        "version": "text",
        "definitions": "count",
        "state": "text",
        "restated": "count",
        "checksum": "text",
        "is_intact": "flag",
    }
    rows: list[Row] = []
    with OpenWarehouse(settings.warehouse) as warehouse:
        db = warehouse.connection
        for each in closed.read_closings(db):
            changed = closed.read_restatements(db, each).values()
            state = "closed"
            if each.reopened_at is not None:
                state = (
                    f"reopened {write_instant(each.reopened_at)} by {each.reopened_by}:"
                    f" {each.reopened_because}"
                )
            rows.append(
                (
                    each.number,
                    each.month,
                    each.closed_at,
                    each.closed_by,
                    each.version,
                    each.definitions,
                    state,
                    sum(not is_same(found.signed.value, found.now) for found in changed),
                    each.checksum,
                    closed.is_intact(db, each),
                )
            )
    return columns, rows


def _require_closable(
    settings: Settings, warehouse: OpenWarehouse, month: date, now: datetime
) -> int:
    """Return the number of the closing; refuse what must not be signed."""
    stamp, end = warehouse.stamp, _end_of(month, warehouse.stamp)
    name = f"{month:%Y-%m}"
    closings = closed.read_closings(warehouse.connection)
    if month in closed.current(closings):
        raise UsageError(
            f"{name} is closed",
            remedy=f"run 'sselfie close --reopen {name} --because TEXT' first",
        )
    if end > now and end > stamp.as_of:
        raise UsageError(f"{name} is not over in {stamp.timezone}")
    if stamp.as_of < end - timedelta(microseconds=1):
        raise StaleError(
            f"the data speaks for {stamp.as_of:%Y-%m-%d %H:%M} UTC, which is before the end of"
            f" {name}",
            remedy="run 'sselfie run'",
        )
    if age := describe_age(settings, stamp, now):
        raise StaleError(age.rstrip("."), remedy="run 'sselfie run'")
    if stamp.definitions != DEFINITIONS or stamp.version != __version__:
        raise UsageError(
            f"the marts were built by version {stamp.version}", remedy="run 'sselfie build' first"
        )
    _require_passed(settings, warehouse)
    return len(closings) + 1


def _require_passed(settings: Settings, warehouse: OpenWarehouse) -> None:
    failed = _failed_checks(warehouse, "error")
    if failed:
        raise ChecksFailedError(
            f"checks failed: {name_some(failed)}", remedy="see 'sselfie status'"
        )
    entries = [e for e in journal.read_journal(settings.warehouse) if e["command"] in _BUILDING]
    if entries and entries[-1]["exit_code"] == ExitCode.CHECKS_FAILED:
        raise ChecksFailedError(
            f"the last {entries[-1]['command']} failed its checks:"
            f" {entries[-1].get('error', 'no reason recorded')}",
            remedy="mend that, then run 'sselfie run'",
        )


def _failed_checks(warehouse: OpenWarehouse, severity: str) -> list[str]:
    try:
        rows = warehouse.connection.execute(
            "select distinct check_name from meta.check_results"
            " where status <> 'passed' and severity = ? order by all",
            [severity],
        ).fetchall()
    except duckdb.CatalogException:  # nothing was checked yet
        return []
    return [name for (name,) in rows]


def _find_warnings(
    warehouse: OpenWarehouse, month: date, figures: dict[FigureKey, Figure]
) -> list[str]:
    stamp = warehouse.stamp
    settled = add_months(month, 1) + timedelta(days=stamp.grace_days)
    warnings = []
    if stamp.as_of_on <= settled:
        losses = sum(
            int(each.value or 0)
            for (_, _, measure), each in figures.items()
            if measure == "in_grace_count"
        )
        warnings.append(
            f"grace runs until {settled}: renewals can still take back losses of the month"
            f" (now {losses})"
        )
    if warned := _failed_checks(warehouse, "warn"):
        warnings.append(f"checks warned: {name_some(warned)}")
    return warnings


def _sign(
    number: int,
    month: date,
    by: str,
    now: datetime,
    stamp: Stamp,
    figures: dict[FigureKey, Figure],
) -> Closing:
    closing = Closing(
        number=number,
        month=month,
        closed_at=now,
        closed_by=by,
        version=__version__,
        definitions=stamp.definitions,
        as_of=stamp.as_of,
        timezone=stamp.timezone,
        grace_days=stamp.grace_days,
        run_id=stamp.run_id,
    )
    return replace(closing, checksum=closed.checksum(closing, figures))


def _build_liability(
    private: Path, settings: Settings, month: date, stamp: Stamp
) -> tuple[Path, dict[FigureKey, Figure]]:
    """Return a copy whose credit marts speak for the end of ``month``, and what they say."""
    from sselfie_insights.build import build_liability

    scratch = private.parent / "month" / private.name
    make_folder(scratch.parent)
    copy_file(private, scratch)
    as_of = min(_end_of(month, stamp) - timedelta(microseconds=1), stamp.as_of)
    build_liability(scratch, settings, as_of)
    figures: dict[FigureKey, Figure] = {}
    with OpenWarehouse(scratch) as warehouse:
        result = run_query(warehouse, load_library()[LIABILITY])
        for row in result.frame.iter_rows(named=True):
            figures |= read_row(result, row)
    return scratch, figures


def _end_of(month: date, stamp: Stamp) -> datetime:
    """Return the first instant (UTC) after ``month``."""
    midnight = datetime.combine(add_months(month, 1), time.min, parse_zone(stamp.timezone))
    return midnight.astimezone(UTC)
