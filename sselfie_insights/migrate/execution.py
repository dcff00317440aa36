"""Apply migrations to a live database without making anyone wait longer than the lock timeout."""

import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from sselfie_insights.errors import MigrationError, SourceError, first_line
from sselfie_insights.migrate import history
from sselfie_insights.migrate.catalog import read_catalog
from sselfie_insights.migrate.concurrently import drop_invalid_indexes
from sselfie_insights.migrate.files import PACKAGED, Migration
from sselfie_insights.migrate.judging import MISSING
from sselfie_insights.migrate.lint import LARGE_TABLE_BYTES
from sselfie_insights.migrate.observer import Observer
from sselfie_insights.migrate.planning import plan
from sselfie_insights.migrate.session import open_connection, writing_session
from sselfie_insights.migrate.statements import Statement
from sselfie_insights.migrate.watch import STANDS_ALONE
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


def apply(
    url: str,
    *,
    folder: Path = PACKAGED,
    to: int | None = None,
    schemas: Sequence[str] = ("public",),
    limits: Limits | None = None,
    allow_destructive: bool = False,
    scratch_url: str | None = None,
    large_table_bytes: int = LARGE_TABLE_BYTES,
    note: Callable[[str], None] = lambda _: None,
) -> list[Migration]:
    """Apply the pending migrations of ``folder`` in order, and return them.

    Args:
        url: The database.
        folder: The migration files.
        to: The last version to apply; all of them if None.
        schemas: The schemas whose catalog is recorded, to find drift later.
        limits: How long to wait.
        allow_destructive: Whether steps may lose data or names that applications use.
        scratch_url: A server to try the files on beforehand; an embedded one if None.
        large_table_bytes: The size from which on lint blocks what locks or rewrites a table.
        note: Called with each migration applied, with drift and with retries.

    Raises:
        UsageError: The folder or the URL is wrong, or there is no way to judge the files.
        SourceError: The database cannot be reached.
        LockedError: Another run is at work.
        MigrationError: Files and history contradict each other, lint blocks, or a step failed.
    """
    limits = limits or Limits()
    with writing_session(url, limits.wait_s) as connection:
        found = plan(
            url, folder=folder, to=to, schemas=schemas,
            scratch_url=scratch_url, large_table_bytes=large_table_bytes,
        )  # fmt: skip
        for warning in (*found.notes, *(f"drift: {difference}" for difference in found.drift)):
            note(warning)
        found.raise_on_blockers(allow_destructive=allow_destructive)
        if not found.pending:
            return []
        history.create(connection)
        with Observer(url) as observer:
            executor = Executor(url, connection, observer, limits, schemas, note)
            for migration in found.pending:
                executor.run(migration)
                note(f"applied {migration.label}")
    return list(found.pending)


class _MissingObjectError(MigrationError):
    """A statement is about a table or column that this database does not have."""


@dataclass
class Executor:
    """Applies migrations, each over a connection of its own, and records them.

    Attributes:
        url: The database.
        keeper: An autocommit connection that holds the advisory lock.
        observer: Sees who blocks a connection, and whether it locks others out.
        limits: How long to wait.
        schemas: The schemas whose catalog is recorded.
        note: Called with what a person would want to know while it happens.
    """

    url: str
    keeper: Connection
    observer: Observer
    limits: Limits
    schemas: Sequence[str]
    note: Callable[[str], None]

    def run(self, migration: Migration) -> None:
        """Apply ``migration``; one that stopped half-way goes on where it stopped.

        Raises:
            MigrationError: A statement failed, or its locks were not to be had in time.
            SourceError: The connection broke.
        """
        with open_connection(self.url, own_search_path=True) as self._connection:
            self.observer.watch(self._connection.info.backend_pid)
            try:
                self.keeper.execute("select 1")
                if migration.in_transaction:
                    self._run_together(migration, migration.statements, len(migration.statements))
                else:
                    self._run_stepwise(migration)
            except psycopg.Error as error:
                said = first_line(error)
                remedy = "see 'sselfie migrate status'"
                if self._connection.closed or self.keeper.closed:
                    remedy = "run 'sselfie migrate apply' again: nothing is half-recorded"
                    message = f"{migration.label}: the connection broke: {said}"
                    raise SourceError(message, remedy=remedy) from None
                if isinstance(error, STANDS_ALONE) and migration.in_transaction:
                    remedy = "write '-- migrate: no-transaction' at the top of the file"
                raise MigrationError(f"{migration.label}: {said}", remedy=remedy) from None

    def _run_stepwise(self, migration: Migration) -> None:
        records = {record.version: record for record in history.read(self.keeper)}
        begun = records.get(migration.version)
        done = begun.statements_done if begun else 0
        # Nobody knows what became of the last statement of a run that ended without a record.
        resumed = begun is not None and begun.state == "running"
        history.record(self.keeper, migration, done)
        try:
            for statement in migration.statements[done:]:
                try:
                    self._run_step(migration, statement, done + 1, resumed)
                except _MissingObjectError as error:
                    self.note(f"{error.message}: skipped")
                    history.record(self.keeper, migration, done + 1)
                done += 1
                resumed = False
        except MigrationError as error:
            if not self.keeper.closed:
                history.record(self.keeper, migration, done, "failed", error=error.message)
            raise
        self._run_together(migration, (), done)

    def _run_step(
        self, migration: Migration, statement: Statement, number: int, resumed: bool
    ) -> None:
        def alone() -> None:
            # It waits for others without making anyone wait: no lock timeout, a longer deadline.
            self._set_timeouts(0, self.limits.concurrent_deadline_s)
            if drop_invalid_indexes(self._connection, self.keeper, statement, resumed, self.note):
                return
            if not statement.is_concurrent:
                self._set_timeouts(self.limits.lock_timeout_ms)
            self._send(migration, statement)

        try:
            self._run_together(migration, (statement,), number)
        except STANDS_ALONE:
            self._retry(alone, _place(migration, number))
            history.record(self.keeper, migration, number)

    def _run_together(
        self, migration: Migration, statements: Sequence[Statement], done: int
    ) -> None:
        """Run ``statements`` in one transaction with the record that the first ``done`` are done.

        Without statements, or if they are the whole of the file, its record is closed.
        """
        is_whole = migration.in_transaction or not statements

        def attempt() -> None:
            left_ms = self.limits.lock_timeout_ms
            locked_since = None
            with self._connection.transaction():
                for statement in statements:
                    begun = time.monotonic()
                    self._set_timeouts(left_ms)
                    self._send(migration, statement)
                    if locked_since is None and self.observer.sees_others_locked_out():
                        locked_since = begun
                    if locked_since is not None:
                        # From now on all waits together last no longer than the lock timeout.
                        waited_ms = int((time.monotonic() - locked_since) * 1000)
                        left_ms = max(1, self.limits.lock_timeout_ms - waited_ms)
                self._take_over()
                self._set_timeouts(left_ms)  # the file may have left a smaller one
                self.observer.announce(history.TABLES)
                if is_whole:
                    catalog = read_catalog(self._connection, self.schemas)
                    history.record(self._connection, migration, done, "applied", catalog=catalog)
                else:
                    history.record(self._connection, migration, done)

        self._retry(attempt, migration.label if is_whole else _place(migration, done))

    def _take_over(self) -> None:
        """Leave the file's search path, until its transaction ends, for our own."""
        # What is deferred to the end still belongs to the file.
        self._connection.execute("set constraints all immediate")
        self._connection.execute("set local search_path = pg_catalog, pg_temp")

    def _set_timeouts(self, lock_ms: int, statement_s: float | None = None) -> None:
        """Set them again before each statement, so that no file can lift them.

        In a transaction they end with it.
        """
        statement_ms = int((statement_s or self.limits.statement_timeout_s) * 1000)
        is_local = self._connection.info.transaction_status is TransactionStatus.INTRANS
        self._connection.execute(
            "select pg_catalog.set_config('lock_timeout', %s, %s),"
            " pg_catalog.set_config('statement_timeout', %s, %s)",
            [f"{lock_ms}ms", is_local, f"{statement_ms}ms", is_local],
        )

    def _send(self, migration: Migration, statement: Statement) -> None:
        self.observer.announce(statement.names)
        try:
            self._connection.execute(statement.sql.encode())
        except (*_TRANSIENT, *STANDS_ALONE):
            raise
        except psycopg.Error as error:
            if self._connection.closed:
                raise
            skips = migration.skips_missing and isinstance(error, MISSING)
            raise (_MissingObjectError if skips else MigrationError)(
                f"{migration.path.name}:{statement.line}: {first_line(error)}",
                remedy=_remedy(error),
            ) from None

    def _retry(self, attempt: Callable[[], None], place: str) -> None:
        """Make the attempt until it meets no lock, or the deadline has passed."""
        deadline = time.monotonic() + self.limits.deadline_s
        for number in itertools.count():
            try:
                attempt()
                return
            except _TRANSIENT as error:
                what = f"{place}: {first_line(error)}; {self._explain(error)}"
                pause = min(_LONGEST_PAUSE_S, 0.5 * 2**number) * random.uniform(0.5, 1)  # noqa: S311
                if time.monotonic() + pause > deadline:
                    raise MigrationError(
                        f"{what}; given up after attempt {number + 1}",
                        remedy="end that session, or choose a quieter hour, and run it again",
                    ) from None
                self.note(f"{what}; next attempt in {pause:.1f} s")
                time.sleep(pause)

    def _explain(self, error: psycopg.Error) -> str:
        """Return whom a statement met; PostgreSQL itself says so, but of a timeout."""
        if isinstance(error, errors.LockNotAvailable):
            return self.observer.describe_blockers()
        detail = error.diag.message_detail or "another transaction was first"
        return " ".join(detail.split())


def _place(migration: Migration, number: int) -> str:
    return f"{migration.label}, statement {number} of {len(migration.statements)}"


def _remedy(error: psycopg.Error) -> str:
    match error:
        case errors.QueryCanceled():
            return "make the step smaller, or raise --statement-timeout or --concurrent-deadline"
        case errors.InsufficientPrivilege():
            return "connect as the owner of the tables"
        case errors.ReadOnlySqlTransaction():
            return "connect to the primary server"
    return error.diag.message_hint or error.diag.message_detail or "nothing of it was kept"
