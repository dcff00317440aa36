"""What went wrong while the source was read, in the terms of whoever has to act on it."""

from collections.abc import Sequence
from contextlib import suppress

import duckdb
import psycopg

from sselfie_insights.errors import SourceError
from sselfie_insights.postgres import TOO_FEW_CONNECTIONS
from sselfie_insights.sync.catalog import Catalog, moved_tables
from sselfie_insights.sync.source import Source
from sselfie_insights.warehouse.storage import explain_storage

LOCK_TIMEOUT = "lock timeout"
GONE = (
    *("does not exist", "could not open relation", "cache lookup failed", "not been populated"),
    # Of a column that is missing when DuckDB looks, the latter if wanted under its own name.
    *("not found in FROM clause", "cannot be referenced before it is defined"),
)
"""What a read meets that comes in the middle of a migration, even one that is undone later.

Other errors say the same now and then, of a function or a type. They are met three times before
they are reported.
"""

PERSISTENT = (
    ("invalid byte sequence", "the database's encoding says nothing of its bytes (SQL_ASCII), and"
     " some are no UTF-8: rewrite them there, or leave the table out with"
     " SSELFIE_SOURCE_SCHEMAS"),
    ("due to statement timeout", "raise statement_timeout for this role: something sets it again"),
    ("transaction timeout", "raise transaction_timeout for this role: something sets it again"),
    ("idle-in-transaction timeout", "raise idle_in_transaction_session_timeout for this role"),
    ("idle-session timeout", "raise idle_session_timeout for this role"),
    *TOO_FEW_CONNECTIONS,
)  # fmt: skip
"""What the server says that it would say again, and what helps."""

REPLAY_CONFLICT = "conflict with recovery"
"""What a standby says when the changes that it replays remove what a read still needs."""


class SourceMovedError(Exception):
    """The source's schema changed while it was read, so that what was read is worth nothing.

    Args:
        tables: The tables that changed, as far as they are known.
        reason: What the server said.
        remedy: What to do when it goes on.
    """

    def __init__(
        self,
        tables: Sequence[str],
        reason: str = "",
        remedy: str = "run it again when no migration of the source is running",
    ) -> None:
        super().__init__(", ".join(tables))
        self.tables = tables
        self.reason = reason
        self.remedy = remedy


def explain_failure(error: Exception, source: Source, before: Catalog) -> BaseException:
    """Return what to raise for an error of Postgres, or of DuckDB while it read Postgres.

    Args:
        error: The error.
        source: The source.
        before: Its catalog before the snapshot; empty when that could not be read.
    """
    text = source.redact(str(error))
    if isinstance(error, duckdb.Error) and (failure := explain_storage(text)):
        return failure
    if isinstance(error, duckdb.InternalException | duckdb.FatalException):
        return error
    reason = _reason(text)
    if REPLAY_CONFLICT in text:
        return SourceMovedError(
            (), reason, "set hot_standby_feedback = on, or raise max_standby_streaming_delay, there"
        )
    moved: list[str] = []
    with suppress(psycopg.Error):
        source.end_snapshot()
        if LOCK_TIMEOUT in text:
            return SourceMovedError(source.locked_tables(), reason)
        moved = moved_tables(before, source.read_catalog()) if before else []
    if moved or any(phrase in reason for phrase in GONE):
        return SourceMovedError(moved, reason)
    what = "the connection was lost" if source.is_lost else "it could not be read"
    if source.reading:
        what += f", at {source.reading}"
    remedies = (remedy for phrase, remedy in PERSISTENT if phrase in reason)
    return SourceError(
        f"{source.target}: {what}: {reason}",
        remedy=next(remedies, "run it again; the published warehouse is as it was"),
    )


def _reason(text: str) -> str:
    """Return the server's own words at the end of an error that quotes the whole statement."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for mark in ("FATAL:", "ERROR:"):
        for line in lines:
            if mark in line:
                return line.rpartition(mark)[2].strip()
    return lines[0][:300] if lines else "no reason given"
