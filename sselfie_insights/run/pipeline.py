"""The scheduled run: every step in order on one private copy, published only when all is well."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import duckdb
from structlog.typing import FilteringBoundLogger

from sselfie_insights.clock import parse_zone, write_instant
from sselfie_insights.errors import SselfieError, StorageError, TimedOutError, UsageError
from sselfie_insights.files import storage_error
from sselfie_insights.interrupt import graceful_shutdown
from sselfie_insights.resources import find_replaced
from sselfie_insights.run.missed import describe_missed, missed_days
from sselfie_insights.run.ping import Pinger
from sselfie_insights.run.retention import export_dir, prune
from sselfie_insights.run.steps import PRIVATE, STEPS
from sselfie_insights.settings import Settings
from sselfie_insights.system import is_full
from sselfie_insights.warehouse import journal
from sselfie_insights.warehouse.gaps import Gap, attempt
from sselfie_insights.warehouse.lock import warehouse_lock
from sselfie_insights.warehouse.publications import retain
from sselfie_insights.warehouse.publish import private_copy, publish
from sselfie_insights.warehouse.space import require_space
from sselfie_insights.warehouse.storage import explain_storage

RENDER_AGAIN = timedelta(minutes=5)
"""What a run that failed takes at most to say so on the pages of the last good publication."""

Progress = Callable[[int, int, str], None]
"""Called with what is done, what there is to do, and what is being done."""


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes:
        run_id: Its id in the journal and in ``meta``.
        steps: The seconds of each step, in order.
        publication: The name of the kept publication; None where nothing was published.
        index: The page to open; None where nothing was rendered.
        export: The folder of the export; None where nothing was exported.
        seconds: What it took.
        done: What was done, in a few words for each step.
    """

    run_id: str
    steps: dict[str, float]
    publication: str | None
    index: Path | None
    export: Path | None
    seconds: float
    done: tuple[str, ...]


def run(
    settings: Settings,
    log: FilteringBoundLogger,
    *,
    steps: Sequence[str] = tuple(STEPS),
    timeout: timedelta | None = None,
    digest: bool = False,
    on_progress: Progress | None = None,
) -> RunReport:
    """Take ``steps`` in order, on one private copy of the warehouse.

    When a step fails, nothing is published, and the pages of the last good publication are
    rendered again, with a banner that says since when and why.

    Args:
        settings: The settings in force.
        log: Receives a line about every step.
        steps: Names of ``STEPS``, in order, see ``choose_steps``.
        timeout: How long the run may take; None sets no limit.
        digest: Whether to send the week's digest, where it is due; a failure to is a warning.
        on_progress: Called while a step goes on.

    Raises:
        UsageError: A setting is wrong, there is too little room, or a file cannot be written.
        SourceError: The source cannot be reached or read.
        ChecksFailedError: A check of severity ``error`` failed.
        SselfieError: A model failed.
        LockedError: Another run holds the warehouse.
        TimedOutError: ``timeout`` has passed.
        KeyboardInterrupt: The run was asked to stop.
    """
    started = datetime.now(UTC)
    run_id = journal.new_run_id(started)
    log = log.bind(run_id=run_id)
    with (
        journal.journaled(settings.warehouse, "run", run_id) as entry,
        warehouse_lock(settings.warehouse),
    ):
        return _Run(settings, log, tuple(steps), digest, on_progress, run_id, entry).go(timeout)


class _Run:
    """One run, by whoever holds the lock and writes the journal."""

    def __init__(
        self,
        settings: Settings,
        log: FilteringBoundLogger,
        steps: tuple[str, ...],
        digest: bool,
        on_progress: Progress | None,
        run_id: str,
        entry: journal.Entry,
    ) -> None:
        self._settings = settings
        self._log = log
        self._steps = steps
        self._digest = digest
        self._on_progress = on_progress
        self._run_id = run_id
        self._entry = entry
        self._step = ""
        self._started = monotonic()
        self._read_at: datetime | None = None
        self._index: Path | None = None
        self._export: Path | None = None
        self._done: list[str] = []
        entry |= {"steps": [], "published": False, "publication": None, "gaps": []}
        self._pinger = Pinger(settings, run_id, log)

    def go(self, timeout: timedelta | None) -> RunReport:
        try:
            with graceful_shutdown(timeout, lambda: self._describe_late(timeout), self._die):
                self._pinger.begin()
                self._look_back()
                require_space(self._settings.warehouse)
                if set(self._steps) & set(PRIVATE):
                    self._make()
                self._show()
                if self._digest:
                    self._send_digest()
        except BaseException as error:
            self._fail(error)
            raise
        self._pinger.end(0, None)
        return RunReport(
            self._run_id,
            {step["name"]: step["seconds"] for step in self._entry["steps"]},
            self._entry["publication"],
            self._index,
            self._export,
            monotonic() - self._started,
            tuple(self._done),
        )

    def _look_back(self) -> None:
        """Report runs that died, and days on which no run published anything."""
        warehouse = self._settings.warehouse
        for dead in journal.close_dead_runs(warehouse, self._run_id):
            self._log.warning(
                f"the {dead['command']} of {dead['started_at'][:19]} UTC (process {dead.get('pid')}"
                f" on {dead.get('host')}) terminated without a final status; what it left over is"
                " removed"
            )
        zone = parse_zone(self._settings.timezone)
        days = missed_days(journal.read_journal(warehouse), datetime.now(UTC), zone)
        if days:
            self._entry["missed_days"] = [str(day) for day in days]
            self._log.warning(describe_missed(days))

    def _make(self) -> None:
        """Make a new warehouse in a private copy, and publish it."""
        from sselfie_insights import check
        from sselfie_insights.build import require_buildable

        settings = self._settings
        if "sync" not in self._steps and not settings.warehouse.exists():
            raise UsageError(
                f"no warehouse at {settings.warehouse}", remedy="do not leave out the step 'sync'"
            )
        # A wrong name is reported before anything is read.
        check.load_severities(settings)
        if "build" in self._steps:
            require_buildable(settings)
        if "check" in self._steps:
            check.start_import()
        with ExitStack() as stack:
            with self._timed("copy"):
                private = stack.enter_context(private_copy(settings.warehouse))
            for name, act in (
                ("sync", self._sync),
                ("check", self._check),
                ("build", self._build),
                ("publish", self._publish),
            ):
                if name in self._steps:
                    with self._timed(name):
                        act(private)
        if self._entry["published"]:
            # What is rendered next reads in the journal that this run was good.
            journal.write_entry(settings.warehouse, self._entry)

    def _sync(self, private: Path) -> None:
        from sselfie_insights.sync import sync

        report = sync(
            self._settings, into=private, run_id=self._run_id, on_progress=self._on_progress
        )
        self._read_at = report.snapshot_at
        summary = report.summary()
        self._entry["sync"] = {key: summary[key] for key in summary if key != "published"}
        for table in report.tables:
            self._log.debug(f"  {table.label}: {table.mode}, {table.row_count} rows")
        self._say(
            f"synced {len(report.tables)} tables, {report.row_count} rows, as of"
            f" {write_instant(report.snapshot_at)} ({report.mode}: {report.inserted}"
            f" inserted, {report.updated} updated, {report.deleted} deleted)",
            **self._entry["sync"],
        )
        for refusal in report.exports.refused:
            self._warn(f"Stripe's export was refused: {refusal.reason}")

    def _check(self, private: Path) -> None:
        from sselfie_insights import check

        results = check.check_mirror(private, self._settings)
        check.record(private, results)
        check.require_passed(results)
        self._say(check.sum_up(results))

    def _build(self, private: Path) -> None:
        from sselfie_insights.build import build_into

        report = build_into(private, self._settings, on_progress=self._on_progress)
        self._entry["test_seconds"] = round(report.test_seconds, 3)
        self._say(
            f"{report.model_count} models as of {write_instant(report.as_of)},"
            f" {report.test_summary}"
        )
        for remark in report.remarks:
            self._log.warning(remark)
        for gap in report.gaps:
            self._note_gap(gap)

    def _publish(self, private: Path) -> None:
        warehouse = self._settings.warehouse
        publish(private, warehouse)
        self._entry["published"] = True
        at = datetime.now(UTC)
        try:
            self._entry["publication"] = retain(warehouse, at).name
            # By the slower clock, this machine's or the source's: one that jumps removes nothing.
            now = min(at, self._read_at or at)
            prune(self._settings, now, clock=at, on_note=self._warn)
        except StorageError as error:
            # It is published, which is what matters; only the past is missing.
            self._warn(str(error))
        self._say(f"published {warehouse}", publication=self._entry["publication"])

    def _show(self) -> None:
        """Render and export what is published."""
        if "render" in self._steps:
            with self._timed("render"):
                self._render()
        if "export" in self._steps:
            with self._timed("export"):
                self._write_export()

    def _render(self) -> None:
        from sselfie_insights.report.site import render_site, site_dir

        site = render_site(self._settings, site_dir(self._settings))
        for path in [*find_replaced("reports", "*.yml"), *find_replaced("queries", "**/*.sql")]:
            self._log.info(f"{path} replaces the packaged file of that name")
        for gap in site.gaps:
            self._note_gap(gap)
        self._index = site.index
        self._say(f"{len(site.pages)} reports in {site.index.parent}")

    def _write_export(self) -> None:
        from sselfie_insights.query.library import load_library
        from sselfie_insights.report.definition import list_shown
        from sselfie_insights.report.export import export_warehouse
        from sselfie_insights.warehouse.reading import OpenWarehouse

        folder = export_dir(self._settings, datetime.now(UTC))
        with OpenWarehouse(self._settings.warehouse) as warehouse:
            library = load_library(on_gap=self._note_gap)
            files = export_warehouse(
                warehouse, folder, library, first=list_shown(), on_gap=self._note_gap
            )
        self._export = folder
        self._say(f"{len(files)} files in {folder}")

    def _send_digest(self) -> None:
        """Send the week's digest unless that was done; whatever goes wrong is a warning."""
        from sselfie_insights.digest import make_digest, send_once
        from sselfie_insights.notebook import Warehouse

        def send() -> None:
            with Warehouse(self._settings.warehouse, on_note=self._warn) as warehouse:
                outcome = send_once(warehouse.settings, lambda: make_digest(warehouse))
            for channel, words in outcome.items():
                if words.startswith("sent"):
                    self._say(f"digest by {channel}: {words}")
                else:
                    self._warn(f"the digest was not sent by {channel}: {words}")

        try:
            attempt("the digest", send, self._note_gap)
        except StorageError as error:
            self._warn(f"the digest was not sent: {error}")

    def _fail(self, error: BaseException) -> None:
        """Write what happened, show it on the pages of the last good publication, and notify."""
        entry, settings = self._entry, self._settings
        entry["failed_step"] = self._step
        with suppress(StorageError):  # what stopped the run matters more
            journal.write_entry(settings.warehouse, entry, error)
        is_shown = "render" in self._steps and not entry["published"]
        if isinstance(error, KeyboardInterrupt):
            is_shown = False
            self._log.error(f"interrupted{self._describe_place()}", step=self._step)
        try:
            if is_shown and settings.warehouse.exists():
                self._show_failure(error)
        finally:
            self._ping(error)

    def _show_failure(self, error: BaseException) -> None:
        try:
            with graceful_shutdown(
                RENDER_AGAIN, lambda: "rendering took too long", lambda _: self._ping(error)
            ):
                self._render()
        except SselfieError as second:
            self._warn(f"the pages do not show that this run failed: {second}")

    def _die(self, error: TimedOutError) -> None:
        """Leave word before the process ends; called from another thread."""
        self._log.error(str(error))
        self._fail(error)

    def _ping(self, error: BaseException) -> None:
        self._pinger.end(journal.exit_code(error), journal.describe_error(error))

    def _describe_late(self, timeout: timedelta | None) -> str:
        return f"the run took longer than {timeout}{self._describe_place()}"

    def _describe_place(self) -> str:
        where = f", in step '{self._step}'" if self._step else ""
        was = "what it published stays" if self._entry["published"] else "nothing was published"
        return f"{where}: {was}"

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        self._step = name
        self._log.debug(f"{name} …", step=name)
        started = monotonic()
        try:
            yield
        except duckdb.Error as error:
            raise explain_storage(str(error)) or error from None
        except OSError as error:
            if not is_full(error):
                raise
            raise storage_error(f"{error.filename or name} cannot be written", error) from None
        seconds = round(monotonic() - started, 3)
        self._entry["steps"].append({"name": name, "seconds": seconds})
        self._log.debug(f"{name}: {seconds:.1f} s", step=name, seconds=seconds)

    def _note_gap(self, gap: Gap) -> None:
        """Name what could not be made, once, in the log and in the journal."""
        if str(gap) not in self._entry["gaps"]:
            self._entry["gaps"].append(str(gap))
            if not gap.is_unknown:
                self._warn(str(gap))

    def _say(self, text: str, **details: object) -> None:
        """Keep what was done for the one line of a good night; the log has it in detail."""
        self._done.append(text)
        self._log.debug(text, step=self._step, **details)

    def _warn(self, text: str) -> None:
        self._log.warning(text, step=self._step)
