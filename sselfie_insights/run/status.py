"""What the journal says of the runs of a warehouse: the last one, what fails, what was missed."""

import os
import socket
from datetime import UTC, datetime

import duckdb

from sselfie_insights.clock import parse_duration, write_instant
from sselfie_insights.errors import StaleError
from sselfie_insights.report.notices import describe_unlisted
from sselfie_insights.run.missed import LOST
from sselfie_insights.settings import Settings
from sselfie_insights.stripe.store import list_refusals
from sselfie_insights.warehouse.journal import Entry, read_journal, read_unended
from sselfie_insights.warehouse.publications import list_publications

Row = tuple[str, str, str]
"""Item, subject, detail."""


def describe_runs(settings: Settings) -> list[Row]:
    """Return what the journal beside the warehouse of ``settings`` says, the last run first."""
    rows = [_describe_unended(entry) for entry in read_unended(settings.warehouse)]
    runs = read_journal(settings.warehouse)
    if runs:
        last = runs[-1]
        rows.append(("last run", _write_second(last["finished_at"]), _describe_outcome(last)))
        if last["exit_code"]:
            step = last.get("failed_step") or "the run"
            rows.append(("failing", step, str(last.get("error", "no reason recorded"))))
    published = [entry for entry in runs if entry.get("published")]
    if published:
        last = published[-1]
        kept = len(list_publications(settings.warehouse))
        name = str(last.get("publication") or last["run_id"])
        rows.append(
            ("last good run", _write_second(last["finished_at"]), f"{name}, {kept} publications")
        )
    for entry in runs[-1:]:
        days = entry.get("missed_days", [])
        if days:
            span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
            rows.append(("missed", span, LOST))
    return rows


def list_failed_checks(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the checks of the open warehouse that did not pass, errors first."""
    try:
        found = connection.execute(
            "select severity, check_name, concat_ws(' ', status || ':', nullif(detail, ''))"
            " from meta.check_results where status <> 'passed' order by all"
        ).fetchall()
    except duckdb.CatalogException:  # nothing was checked yet
        return []
    return [(f"check: {severity}", name, detail) for severity, name, detail in found]


def list_unlisted(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return what the open warehouse counts though the price list does not know it."""
    return [("price list", "", said) for said in describe_unlisted(connection, with_sizes=True)]


def list_refused_exports(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return Stripe's exports in the folder that the open warehouse refused, and why."""
    return [("refused export", each.file_name, each.reason) for each in list_refusals(connection)]


def refuse_old_mirror(connection: duckdb.DuckDBPyConnection, max_age: str, now: datetime) -> None:
    """Refuse a mirror that was read too long ago, whatever its marts were built from.

    Args:
        connection: An open warehouse.
        max_age: How long ago it may be, e.g. ``26h``.
        now: The present (UTC).

    Raises:
        StaleError: It is longer ago, or nothing was ever synced.
    """
    try:
        row = connection.execute("select epoch_us(max(snapshot_at)) from meta.sync_runs").fetchone()
    except duckdb.CatalogException:
        row = None
    if row is None or row[0] is None:
        raise StaleError("nothing was synced yet", remedy="run 'sselfie run'")
    read_at = datetime.fromtimestamp(row[0] / 1_000_000, UTC)
    if now - read_at > parse_duration(max_age):
        hours = (now - read_at).total_seconds() / 3600
        raise StaleError(
            f"the source was last read {hours:,.1f} hours ago, at {write_instant(read_at)};"
            f" {max_age} are allowed",
            remedy="run 'sselfie run'",
        )


def _describe_outcome(entry: Entry) -> str:
    if entry["exit_code"]:
        return f"{entry['command']}, exit {entry['exit_code']}"
    done = "published" if entry.get("published") else "published nothing"
    return f"{entry['command']}, {done}"


def _describe_unended(entry: Entry) -> Row:
    where = f"{entry['command']}, process {entry.get('pid')} on {entry.get('host')}"
    item = "running" if _may_live(entry) else "died"
    return item, _write_second(entry["started_at"]), where


def _may_live(entry: Entry) -> bool:
    """Say whether the run's process is there; of another machine's nobody can know."""
    if entry.get("host") != socket.gethostname():
        return True
    try:
        os.kill(int(entry["pid"]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, LookupError, ValueError, TypeError, OverflowError):
        pass  # somebody else's, or one that did not leave its number
    return True


def _write_second(text: str) -> str:
    return write_instant(datetime.fromisoformat(text))
