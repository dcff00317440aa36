"""What went wrong while the source was read, in the terms of whoever has to act on it."""

from collections.abc import Sequence

import duckdb
import psycopg

from sselfie_insights.errors import SourceError, SselfieError, UsageError
from sselfie_insights.sync.catalog import Catalog, moved_tables
from sselfie_insights.sync.source import Source

LOCK_TIMEOUT = "lock timeout"
DISK_FULL = ("No space left on device", "Could not write")
OUT_OF_MEMORY = "Out of Memory"


class SourceMovedError(Exception):
    """The source's schema changed while it was read, so that what was read is worth nothing.

    Args:
        tables: The tables that changed, as far as they are known.
    """

    def __init__(self, tables: Sequence[str]) -> None:
        super().__init__(", ".join(tables))
        self.tables = tables


def explain_failure(error: Exception, source: Source, before: Catalog) -> Exception:
    """Return what to raise for an error of Postgres, or of DuckDB while it read Postgres."""
    if isinstance(error, duckdb.InternalException | duckdb.FatalException):
        return error
    text = str(error)
    if any(phrase in text for phrase in DISK_FULL):
        return UsageError(
            f"the warehouse cannot be written: {_reason(text)}", remedy="free some space"
        )
    if LOCK_TIMEOUT in text:
        return SourceMovedError([])
    try:
        source.end_snapshot()
        moved = moved_tables(before, source.read_catalog())
    except (psycopg.Error, SselfieError):
        return SourceError(
            f"the connection to {source.target} was lost: {_reason(text)}",
            remedy="run it again; the published warehouse is as it was",
        )
    if moved:
        return SourceMovedError(moved)
    return SourceError(
        f"{source.target} could not be read: {source.redact(_reason(text))}",
        remedy="run it again, or see the server's log; the published warehouse is as it was",
    )


def _reason(text: str) -> str:
    """Return the server's own words at the end of an error that quotes the whole statement."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for mark in ("FATAL:", "ERROR:"):
        for line in lines:
            if mark in line:
                return line.rpartition(mark)[2].strip()
    return lines[0][:300] if lines else "no reason given"
