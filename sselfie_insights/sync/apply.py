"""Carry out the steps of a sync inside one DuckDB transaction, and record what was done."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Literal

import duckdb

from sselfie_insights.sync.digest import compare
from sselfie_insights.sync.load import UNREPRESENTABLE, Loaded, Loader, drop_table, ensure_schema
from sselfie_insights.sync.plan import Step
from sselfie_insights.sync.report import Progress, TableReport
from sselfie_insights.sync.source import Snapshot, Source
from sselfie_insights.sync.state import MetaWriter, MirroredTable

LEAST_BYTES = 8192
"""What an empty table counts for in the progress: it takes a moment too."""


@dataclass(frozen=True)
class Applier:
    """One sync's writing side.

    Attributes:
        db: The connection to the private copy, inside a transaction.
        source: The source, at the snapshot.
        snapshot: The snapshot.
        identity: The source's history.
        meta: Where the outcome is recorded.
        loader: What writes a table.
        on_progress: Called as it goes on.
    """

    db: duckdb.DuckDBPyConnection
    source: Source
    snapshot: Snapshot
    identity: str
    meta: MetaWriter
    loader: Loader
    on_progress: Progress | None

    def apply(self, steps: Sequence[Step], *, verify: bool) -> list[TableReport]:
        """Bring every table up to the snapshot; compare each with the source when asked to."""
        sizes = [0 if s.is_unchanged else max(s.mirror.table.bytes, LEAST_BYTES) for s in steps]
        for schema in {step.mirror.schema for step in steps}:
            ensure_schema(self.db, schema)
        reports = []
        for index, step in enumerate(steps):
            if self.on_progress and sizes[index]:
                self.on_progress(sum(sizes[:index]), sum(sizes), _describe(step))
            reports.append(self._apply_step(step, verify=verify))
        if self.on_progress:
            self.on_progress(sum(sizes), sum(sizes), "")
        return reports

    def drop(self, known: MirroredTable) -> TableReport:
        """Remove a table that the source no longer has."""
        drop_table(self.db, known.mirror_schema, known.mirror_name)
        self.meta.forget(known.schema, known.name)
        place = (known.schema, known.name, known.mirror_schema, known.mirror_name)
        return TableReport(*place, "dropped", deleted=known.row_count)

    def _apply_step(self, step: Step, *, verify: bool) -> TableReport:
        started = monotonic()
        self.source.reading = step.mirror.table.label
        loaded, mode, reason = self._load(step)
        mirror = loaded.mirror
        report = TableReport(
            mirror.table.schema,
            mirror.table.name,
            mirror.schema,
            mirror.name,
            mode,
            reason,
            loaded.row_count,
            loaded.inserted,
            loaded.updated,
            loaded.deleted,
        )
        is_suspect = False
        if verify:
            comparison = compare(self.db, self.source, mirror)
            report = replace(report, verification=comparison.outcome, detail=comparison.detail)
            if comparison.outcome == "different":
                loaded = self.loader.reload(mirror)
                mirror = loaded.mirror
                is_suspect = compare(self.db, self.source, mirror).outcome == "different"
                report = replace(report, mode="full", reason="it differed from the source")
                if is_suspect:
                    still = f"{comparison.detail}, even after it was read again"
                    report = replace(report, detail=still)
        self.meta.remember(
            mirror,
            identity=self.identity,
            snapshot=self.snapshot,
            row_count=loaded.row_count,
            is_suspect=is_suspect,
        )
        return replace(report, seconds=monotonic() - started)

    def _load(self, step: Step) -> tuple[Loaded, Literal["full", "incremental", "unchanged"], str]:
        if step.changes is None:
            return self.loader.reload(step.mirror), "full", step.reason
        if step.is_unchanged:
            return Loaded(step.mirror, step.known_rows), "unchanged", ""
        loaded = self.loader.refresh(step.mirror, step.changes)
        if loaded is not None:
            return loaded, "incremental", ""
        return (
            self.loader.reload(step.mirror),
            "full",
            f"its changes alone cannot be trusted, or a value {UNREPRESENTABLE}",
        )


def _describe(step: Step) -> str:
    """Return a table and what is to be read of it."""
    table = step.mirror.table
    if step.changes is not None:
        return f"{table.label}, its changed rows"
    return f"{table.label}, {table.bytes / 1e6:.0f} MB"
