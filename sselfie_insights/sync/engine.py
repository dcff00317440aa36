"""The sync itself: plan at one snapshot, write a private copy, prove nothing moved, publish."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb
import psycopg

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import SourceError, first_line, name_some
from sselfie_insights.postgres import describe_target
from sselfie_insights.settings import Settings
from sselfie_insights.stripe.load import load_folder
from sselfie_insights.sync.apply import Applier
from sselfie_insights.sync.catalog import Catalog, LeftOut, list_closed, moved_tables
from sselfie_insights.sync.drift import contract_drift, schema_changes
from sselfie_insights.sync.extension import Reader
from sselfie_insights.sync.failures import SourceMovedError, explain_failure
from sselfie_insights.sync.load import Loader
from sselfie_insights.sync.names import find_names
from sselfie_insights.sync.plan import (
    Step,
    hold_back_credentials,
    place_tables,
    plan_step,
    select_tables,
)
from sselfie_insights.sync.refusals import (
    NAMES_SHOWN,
    refuse_empty,
    refuse_filtered,
    refuse_older,
    refuse_unreadable,
)
from sselfie_insights.sync.report import Progress, SyncReport, TableReport
from sselfie_insights.sync.source import Snapshot, Source, open_source
from sselfie_insights.sync.state import Difference, MetaWriter, MirroredTable, State, read_state
from sselfie_insights.warehouse.journal import Entry, close_dead_runs, journaled, new_run_id
from sselfie_insights.warehouse.lock import warehouse_lock
from sselfie_insights.warehouse.publish import WRITER, writable_copy
from sselfie_insights.warehouse.storage import closing

MAX_ATTEMPTS = 3

MEMORY_LIMIT = "1GB"
"""What DuckDB may hold in memory; beyond it, it writes to the disk beside the private copy."""


@dataclass(frozen=True)
class Request:
    """What is asked of a sync.

    Attributes:
        settings: The settings in force.
        full: Whether every table is read in full.
        tables: The tables to sync; all when empty.
        verify: Whether every table is compared with the source.
        into: A private copy to write, of a run that publishes it later; None makes its own.
        on_progress: Called as the sync goes on.
    """

    settings: Settings
    full: bool = False
    tables: frozenset[str] = frozenset()
    verify: bool = False
    into: Path | None = None
    on_progress: Progress | None = None

    @property
    def current(self) -> Path:
        """The file that holds the mirror so far."""
        return self.into or self.settings.warehouse

    @contextmanager
    def destination(self) -> Iterator[Path]:
        """Yield the file to write, and publish it unless the run does that itself."""
        if self.into:
            yield self.into
        else:
            with writable_copy(self.settings.warehouse) as private:
                yield private


@dataclass(frozen=True)
class Plan:
    """What one attempt is going to do."""

    steps: tuple[Step, ...]
    vanished: tuple[MirroredTable, ...]
    changes: tuple[Difference, ...]
    drift: tuple[Difference, ...]
    is_needed: bool


def sync(
    settings: Settings,
    *,
    full: bool = False,
    tables: Collection[str] = (),
    verify: bool = False,
    into: Path | None = None,
    run_id: str | None = None,
    on_progress: Progress | None = None,
) -> SyncReport:
    """Mirror the source into the warehouse, all tables at one snapshot, and publish it.

    When the source has not changed, nothing is copied and nothing is published. A sync of a run's
    own private copy records its snapshot all the same: that nothing had changed by then.

    Args:
        settings: The settings in force.
        full: Read every table in full.
        tables: Sync only these, as ``name`` or ``schema.name``.
        verify: Compare every table with the source, at the same snapshot, and heal what differs.
        into: Write this private copy instead, and leave publishing it, and the journal, to the
            caller, who holds the warehouse.
        run_id: The id of the run that this is a step of; None makes one.
        on_progress: Called with bytes done, bytes in all, and the table that is read.

    Raises:
        UsageError: There is no database URL, no such table, or the warehouse cannot be written.
        SourceError: The source cannot be reached or read, or its schema kept changing.
        LockedError: Another run holds the warehouse, or a migration the database.
    """
    request = Request(settings, full, frozenset(tables), verify, into, on_progress)
    url = settings.require_database_url()
    started = datetime.now(UTC)
    run_id = run_id or new_run_id(started)
    with ExitStack() as stack:
        entry: Entry = {}
        if into is None:
            command = "verify" if verify else "sync"
            entry = stack.enter_context(journaled(settings.warehouse, command, run_id))
            stack.enter_context(warehouse_lock(settings.warehouse))
            close_dead_runs(settings.warehouse, run_id)
        report = _sync_patiently(request, url, run_id, started)
        if settings.stripe_exports:
            exports = load_folder(settings.stripe_exports, settings.warehouse, into)
            is_published = report.published or (bool(exports.added) and into is None)
            report = replace(report, exports=exports, published=is_published)
        report = replace(report, seconds=(datetime.now(UTC) - started).total_seconds())
        entry |= report.summary()
    return report


def _sync_patiently(request: Request, url: str, run_id: str, started: datetime) -> SyncReport:
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            with open_source(url, request.settings) as source:
                if attempt > 1:
                    source.wait_for_migrations()
                return Attempt(request, source, run_id, started, attempt).run()
        except SourceMovedError as moved:
            names, last = name_some(moved.tables, NAMES_SHOWN), moved
        except psycopg.Error as error:  # while the connection was set up, or closed
            reason = first_line(error)
            raise SourceError(
                f"{describe_target(url)}: the connection was lost: {reason}", remedy="run it again"
            ) from error
    what = f"the definition of {names} changed" if names else f"a read failed ({last.reason})"
    raise SourceError(f"{what} during each of {MAX_ATTEMPTS} attempts", remedy=last.remedy)


@dataclass(frozen=True)
class Attempt:
    """One attempt at a sync, on one connection to the source."""

    request: Request
    source: Source
    run_id: str
    started: datetime
    number: int

    def run(self) -> SyncReport:
        """Sync once.

        Raises:
            SourceMovedError: The source's schema changed meanwhile; nothing was written.
        """
        catalog: Catalog = {}
        try:
            catalog, left_out = self.source.read_relations()
            state = read_state(self.request.current)
            identity = self.source.read_identity()
            seen = state.seen(identity)
            with self.source.snapshot(seen) as snapshot:
                refuse_older(self.source, snapshot, seen)
                plan = self._plan(catalog, left_out, state, identity, snapshot)
                if plan.is_needed:
                    return self._write(plan, catalog, identity, snapshot)
                self._refuse_moved(catalog)
                return self._report(plan, snapshot, [_unchanged(s) for s in plan.steps])
        except (psycopg.Error, duckdb.Error) as error:
            raise explain_failure(error, self.source, catalog) from error

    def _plan(
        self,
        catalog: Catalog,
        left_out: Sequence[LeftOut],
        state: State,
        identity: str,
        snapshot: Snapshot,
    ) -> Plan:
        settings = self.request.settings
        refuse_empty(self.source, catalog, left_out)
        names = find_names(catalog, settings)
        everything = place_tables(catalog, settings, names)
        mirrors = select_tables(everything, self.request.tables)
        refuse_unreadable(self.source, mirrors)
        refuse_filtered(self.source, mirrors)
        if self.request.full:
            steps = [Step(mirror, "asked for") for mirror in mirrors]
        else:
            steps = [
                plan_step(
                    self.source,
                    mirror,
                    state.tables.get((mirror.table.schema, mirror.table.name)),
                    identity,
                    snapshot,
                )
                for mirror in mirrors
            ]
        steps = [hold_back_credentials(self.source, step) for step in steps]
        vanished = [t for key, t in state.tables.items() if key not in catalog]
        closed = list_closed(left_out)
        labels = {mirror.table.label for mirror in mirrors}
        changes = [
            change
            for change in schema_changes(catalog, state.tables)
            if change[0] in labels or self._is_dropped(change, closed)
        ]
        drift = contract_drift(
            catalog, settings.source_schemas[0], load_contract(), left_out, names, state
        )
        is_needed = (
            self.request.verify
            or self.request.into is not None
            or bool(vanished or changes)
            or frozenset(drift) != state.drift
            or not all(step.is_unchanged for step in steps)
        )
        return Plan(tuple(steps), tuple(vanished), tuple(changes), tuple(drift), is_needed)

    def _is_dropped(self, change: Difference, closed: Collection[str]) -> bool:
        label, _, what, *_ = change
        schema, _, name = label.partition(".")
        is_left_out = self.source.leaves_out(schema, name) or label in closed
        return what == "table dropped" and not is_left_out

    def _write(self, plan: Plan, catalog: Catalog, identity: str, snapshot: Snapshot) -> SyncReport:
        with self.request.destination() as path, closing(duckdb.connect(path, config=WRITER)) as db:
            db.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
            db.execute("set enable_progress_bar = false")  # it would write to stdout
            reader = Reader(db, self.source.url)
            with transaction(db):
                meta = MetaWriter(db, self.run_id)
                loader = Loader(db, self.source, reader.join(snapshot))
                applier = Applier(
                    db, self.source, snapshot, identity, meta, loader, self.request.on_progress
                )
                dropped = [applier.drop(table) for table in plan.vanished]
                tables = applier.apply(plan.steps, verify=self.request.verify)
                self._refuse_moved(catalog)
                report = self._report(plan, snapshot, [*tables, *dropped])
                meta.record(
                    report,
                    source=self.source.target,
                    identity=identity,
                    wal_position=snapshot.wal_position,
                    changes=plan.changes,
                    drift=plan.drift,
                )
            db.execute("checkpoint")  # closing does it too, and is silent when the disk is full
        return report

    def _refuse_moved(self, before: Catalog) -> None:
        """Raise unless the source's schema is still what it was before the snapshot."""
        self.source.end_snapshot()
        moved = moved_tables(before, self.source.read_catalog())
        if moved:
            raise SourceMovedError(moved)

    def _report(self, plan: Plan, snapshot: Snapshot, tables: list[TableReport]) -> SyncReport:
        modes = {table.mode for table in tables}
        mode: Literal["full", "incremental", "unchanged"] = "incremental"
        if not plan.is_needed:
            mode = "unchanged"
        elif modes <= {"full", "dropped"}:
            mode = "full"
        seconds = (datetime.now(UTC) - self.started).total_seconds()
        return SyncReport(
            self.run_id,
            mode,
            snapshot.at.astimezone(UTC),
            self.started,
            tuple(tables),
            plan.is_needed and self.request.into is None,
            self.number,
            seconds,
        )


@contextmanager
def transaction(db: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit when the block succeeds, else roll back."""
    db.begin()
    try:
        yield
        db.commit()
    except BaseException:
        db.interrupt()
        # The extension ends the process when it finds out by itself that its server has gone.
        with suppress(duckdb.Error, RuntimeError):
            db.rollback()
        raise


def _unchanged(step: Step) -> TableReport:
    mirror = step.mirror
    place = (mirror.table.schema, mirror.table.name, mirror.schema, mirror.name)
    return TableReport(*place, "unchanged", row_count=step.known_rows)
