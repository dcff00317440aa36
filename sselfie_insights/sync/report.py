"""What a sync reports."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sselfie_insights.stripe.store import NOTHING, Loaded

Progress = Callable[[int, int, str], None]
"""Called with the bytes read so far, the bytes to read, and the table that is read now."""

Verification = Literal["", "equal", "different", "not comparable"]


@dataclass(frozen=True)
class TableReport:
    """What a sync did to one table.

    Attributes:
        schema: Its schema in the source.
        name: Its name in the source.
        mirror_schema: Its schema in the warehouse.
        mirror_name: Its name in the warehouse.
        mode: ``full``, ``incremental``, ``unchanged`` or ``dropped``.
        reason: Why it was read in full.
        row_count: Its rows.
        inserted: Rows that are new.
        updated: Rows that were read again.
        deleted: Rows that are gone.
        seconds: How long that took.
        verification: The outcome of the comparison, when one was asked for.
        detail: Why it could not be compared, or how it differs.
    """

    schema: str
    name: str
    mirror_schema: str
    mirror_name: str
    mode: Literal["full", "incremental", "unchanged", "dropped"]
    reason: str = ""
    row_count: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    seconds: float = 0.0
    verification: Verification = ""
    detail: str = ""

    @property
    def label(self) -> str:
        """``schema.name``, for messages."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class SyncReport:
    """What a sync did.

    Attributes:
        run_id: Its id in ``meta.sync_runs`` and in the journal.
        mode: ``full``, ``incremental`` or ``unchanged``.
        snapshot_at: The instant of the source that the mirror shows (UTC).
        started_at: When it began (UTC).
        tables: What was done to each table.
        published: Whether a new warehouse was published.
        attempts: How often it started, because the source's schema changed under it.
        seconds: How long it took.
        exports: What was added of Stripe's exports, and which files were refused.
    """

    run_id: str
    mode: Literal["full", "incremental", "unchanged"]
    snapshot_at: datetime
    started_at: datetime
    tables: tuple[TableReport, ...]
    published: bool
    attempts: int
    seconds: float
    exports: Loaded = NOTHING

    @property
    def row_count(self) -> int:
        """The rows of all tables."""
        return sum(table.row_count for table in self.tables)

    @property
    def inserted(self) -> int:
        """The rows that are new, or were read in full."""
        return sum(table.inserted for table in self.tables)

    @property
    def updated(self) -> int:
        """The rows that changed."""
        return sum(table.updated for table in self.tables)

    @property
    def deleted(self) -> int:
        """The rows that are gone."""
        return sum(table.deleted for table in self.tables)

    @property
    def different(self) -> tuple[TableReport, ...]:
        """The tables that differed from the source when they were verified."""
        return tuple(table for table in self.tables if table.verification == "different")

    def summary(self) -> dict[str, object]:
        """Return the figures for the journal."""
        return {
            "mode": self.mode,
            "published": self.published,
            "attempts": self.attempts,
            "snapshot_at": self.snapshot_at.isoformat(),
            "tables": len(self.tables),
            "rows": self.row_count,
            "inserted": self.inserted,
            "updated": self.updated,
            "deleted": self.deleted,
            "different": [table.label for table in self.different],
            "exports_added": list(self.exports.added),
            "exports_refused": [each.file_name for each in self.exports.refused],
        }
