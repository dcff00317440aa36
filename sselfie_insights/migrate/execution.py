"""Run one migration on a live database without making anyone wait longer than the lock timeout."""

import itertools
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from sselfie_insights.errors import MigrationError, SourceError
from sselfie_insights.migrate import history
from sselfie_insights.migrate.catalog import read_catalog
from sselfie_insights.migrate.concurrently import drop_invalid_indexes
from sselfie_insights.migrate.files import Migration
from sselfie_insights.migrate.observer import Observer
from sselfie_insights.migrate.session import open_file_session
from sselfie_insights.migrate.statements import Statement
from sselfie_insights.migrate.watch import MISSING, STANDS_ALONE
from sselfie_insights.postgres import Connection

_TRANSIENT = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)

_LONGEST_PAUSE_S = 10


@dataclass(frozen=True)
class Limits:
    """How long a migration may wait, and make others wait.

    Attributes:
        lock_timeout_ms: Milliseconds a statement waits for a lock. Whoever queues behind it
            waits as long, and no longer. In a transaction that locks others out already, later
            statements wait only for what is left of it.
        statement_timeout_s: Seconds one statement may take.
        deadline_s: Seconds over which an attempt that met a lock is made again.
        concurrent_deadline_s: Seconds a CONCURRENTLY statement may take.
        wait_s: Seconds to wait for another run to end.
    """

    lock_timeout_ms: int = 200
    statement_timeout_s: float = 60
    deadline_s: float = 300
    concurrent_deadline_s: float = 3600
    wait_s: float = 30


class _MissingObjectError(MigrationError):
    """A statement is about a table or column that this database does not have."""


class Executor:
    """Applies migrations, each over a connection of its own, and records them.

    Args:
        url: The database.
        keeper: An autocommit connection that holds the advisory lock.
        observer: Sees who blocks a connection, and whether it locks others out.
        limits: How long to wait.
        schemas: The schemas whose catalog is recorded.
        note: Called with what a person would want to know while it happens.
    """

    def __init__(
        self,
        url: str,
        keeper: Connection,
        observer: Observer,
        limits: Limits,
        schemas: Iterable[str],
        note: Callable[[str], None],
    ) -> None:
        self._url = url
        self._keeper = keeper
        self._connection = keeper
        self._observer = observer
        self._limits = limits
        self._schemas = tuple(schemas)
        self._note = note

    def run(self, migration: Migration) -> None:
        """Apply ``migration``; one that stopped half-way goes on where it stopped.

        Raises:
            MigrationError: A statement failed, or its locks were not to be had in time.
            SourceError: The connection broke.
        """
        with open_file_session(self._url) as self._connection:
            self._observer.watch(self._connection.info.backend_pid)
            try:
                self._keeper.execute("select 1")
                if migration.in_transaction:
                    self._run_whole(migration)
                else:
                    self._run_stepwise(migration)
            except psycopg.Error as error:
                if self._connection.closed or self._keeper.closed:
                    raise SourceError(
                        f"{migration.label}: the connection broke: {_first_line(error)}",
                        remedy="run 'sselfie migrate apply' again: nothing is half-recorded",
                    ) from None
                raise MigrationError(f"{migration.label}: {_first_line(error)}") from None

    def _run_whole(self, migration: Migration) -> None:
        def attempt() -> None:
            with self._connection.transaction():
                locked_since = None
                for statement in migration.statements:
                    begun = time.monotonic()
                    self._set_timeouts(locked_since=locked_since)
                    self._send(migration, statement)
                    if locked_since is None and self._observer.sees_others_locked_out():
                        locked_since = begun
                self._record_done(migration, locked_since)

        try:
            self._retry(attempt, migration.label)
        except STANDS_ALONE as error:
            raise MigrationError(
                f"{migration.label}: {_first_line(error)}",
                remedy="write '-- migrate: no-transaction' at the top of the file",
            ) from None

    def _run_stepwise(self, migration: Migration) -> None:
        records = {record.version: record for record in history.read(self._keeper)}
        begun = records.get(migration.version)
        done = begun.statements_done if begun else 0
        # Nobody knows what became of the last statement of a run that ended without a record.
        uncertain = done + 1 if begun and begun.state == "running" else None
        history.begin(self._keeper, migration)
        try:
            for number, statement in enumerate(migration.statements[done:], start=done + 1):
                self._step(migration, number, statement, resumed=number == uncertain)
        except MigrationError as error:
            if not self._keeper.closed:
                history.record_failure(self._keeper, migration, error.message)
            raise

        def record() -> None:
            with self._connection.transaction():
                self._record_done(migration)

        self._retry(record, migration.label)

    def _step(self, migration: Migration, number: int, statement: Statement, resumed: bool) -> None:
        place = f"{migration.label}, statement {number} of {len(migration.statements)}"

        def together() -> None:
            with self._connection.transaction():
                self._set_timeouts()
                self._send(migration, statement)
                self._take_over()
                history.record_progress(self._connection, migration, number)

        def alone() -> None:
            self._set_timeouts(for_session=True, concurrently=True)
            if drop_invalid_indexes(self._connection, self._keeper, statement, resumed, self._note):
                return
            if not statement.is_concurrent:
                self._set_timeouts(for_session=True)
            self._send(migration, statement)

        try:
            try:
                self._retry(together, place)
            except STANDS_ALONE:
                self._retry(alone, place)
                history.record_progress(self._keeper, migration, number)
        except _MissingObjectError as error:
            self._note(f"{error.message}: skipped")
            history.record_progress(self._keeper, migration, number)

    def _record_done(self, migration: Migration, locked_since: float | None = None) -> None:
        self._take_over()
        # The file may have left a smaller timeout behind.
        self._set_timeouts(locked_since=locked_since)
        self._observer.announce(history.TABLES)
        if migration.in_transaction:
            history.begin(self._connection, migration)
        catalog = read_catalog(self._connection, self._schemas)
        history.finish(self._connection, migration, catalog)

    def _take_over(self) -> None:
        """Leave the file's search path, until its transaction ends, for our own."""
        # What is deferred to the end still belongs to the file.
        self._connection.execute("set constraints all immediate")
        self._connection.execute("set local search_path = pg_catalog, pg_temp")

    def _set_timeouts(
        self,
        *,
        locked_since: float | None = None,
        for_session: bool = False,
        concurrently: bool = False,
    ) -> None:
        """Set them again before each statement, so that no file can lift them.

        While a transaction locks others out, since ``locked_since``, all its further waits
        together last no longer than the lock timeout. What runs CONCURRENTLY waits for others
        without making anyone wait: it has a deadline of its own instead of a lock timeout.
        """
        limits = self._limits
        locked_ms = 0 if locked_since is None else int((time.monotonic() - locked_since) * 1000)
        wait_ms = 0 if concurrently else max(1, limits.lock_timeout_ms - locked_ms)
        seconds = limits.concurrent_deadline_s if concurrently else limits.statement_timeout_s
        self._connection.execute(
            "select pg_catalog.set_config('lock_timeout', %s, %s),"
            " pg_catalog.set_config('statement_timeout', %s, %s)",
            [
                f"{wait_ms}ms",
                not for_session,
                f"{int(seconds * 1000)}ms",
                not for_session,
            ],
        )

    def _send(self, migration: Migration, statement: Statement) -> None:
        self._observer.announce(statement.names)
        try:
            self._connection.execute(statement.sql.encode())
        except (*_TRANSIENT, *STANDS_ALONE):
            raise
        except psycopg.Error as error:
            if self._connection.closed:
                raise
            skips = migration.skips_missing and isinstance(error, MISSING)
            raise (_MissingObjectError if skips else MigrationError)(
                f"{migration.path.name}:{statement.line}: {_first_line(error)}",
                remedy=_remedy(error),
            ) from None
        in_transaction = self._connection.info.transaction_status is TransactionStatus.INTRANS
        if migration.in_transaction and not in_transaction:
            raise MigrationError(
                f"{migration.path.name}:{statement.line}: it ended the runner's transaction",
                remedy="write '-- migrate: no-transaction' at the top of the file",
            )

    def _retry(self, attempt: Callable[[], None], place: str) -> None:
        """Make the attempt until it meets no lock, or the deadline has passed."""
        deadline = time.monotonic() + self._limits.deadline_s
        for number in itertools.count():
            try:
                attempt()
                return
            except _TRANSIENT as error:
                what = f"{place}: {_first_line(error)}; {self._explain(error)}"
                pause = min(_LONGEST_PAUSE_S, 0.5 * 2**number) * random.uniform(0.5, 1)  # noqa: S311
                if time.monotonic() + pause > deadline:
                    raise MigrationError(
                        f"{what}; given up after attempt {number + 1}",
                        remedy="end that session, or choose a quieter hour, and run it again",
                    ) from None
                self._note(f"{what}; next attempt in {pause:.1f} s")
                time.sleep(pause)

    def _explain(self, error: psycopg.Error) -> str:
        """Return whom a statement met; PostgreSQL itself says so, but of a timeout."""
        if isinstance(error, errors.LockNotAvailable):
            return self._observer.describe_blockers()
        detail = error.diag.message_detail or "another transaction was first"
        return " ".join(detail.split())


def _first_line(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error).strip() or type(error).__name__
    return text.splitlines()[0]


def _remedy(error: psycopg.Error) -> str:
    match error:
        case errors.QueryCanceled():
            return "make the step smaller, or raise --statement-timeout or --concurrent-deadline"
        case errors.InsufficientPrivilege():
            return "connect as the owner of the tables"
        case errors.ReadOnlySqlTransaction():
            return "connect to the primary server"
    return error.diag.message_hint or error.diag.message_detail or "nothing of it was kept"
