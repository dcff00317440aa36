"""Run migrations on a scratch copy, and report the locks they take and the tables they rewrite."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.errors import SourceError
from sselfie_insights.migrate import history
from sselfie_insights.migrate.actions import read_actions
from sselfie_insights.migrate.execution import MISSING, STANDS_ALONE
from sselfie_insights.migrate.files import PACKAGED, Migration, load_migrations
from sselfie_insights.migrate.planning import pending_migrations
from sselfie_insights.migrate.scratch import find_program, scratch_database
from sselfie_insights.migrate.session import session
from sselfie_insights.migrate.statements import Statement, split
from sselfie_insights.postgres import Connection, connect

# One row per lock that a session holds on a table or materialised view of the application's, or
# waits for.
_LOCKS = """
select distinct class.relnamespace::regnamespace || '.' || class.relname, locks.mode
from pg_catalog.pg_locks as locks
join pg_catalog.pg_class as class on class.oid = locks.relation
where
    locks.pid = %s
    and class.relkind in ('r', 'p', 'm')
    and class.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
"""

# One row per table or materialised view, with the file that holds its rows.
_FILES = """
select class.relnamespace::regnamespace || '.' || class.relname, class.relfilenode
from pg_catalog.pg_class as class
where
    class.relkind in ('r', 'm')
    and class.relnamespace::regnamespace::text
    not in ('pg_catalog', 'information_schema', 'pg_toast')
"""


@dataclass(frozen=True)
class Lock:
    """A lock that a statement took on a table that others can see: PostgreSQL's name of it."""

    table: str
    mode: str


@dataclass(frozen=True)
class Traced:
    """What one statement really did.

    Attributes:
        file: The migration's file name.
        line: The line, from 1.
        statement: Its beginning.
        locks: The locks that it took, beyond those the file held already.
        rewritten: The tables whose rows it wrote anew.
        error: Why it failed; empty if it did not.
        is_skipped: Whether it failed for want of a table or column, which its file passes over.
    """

    file: str
    line: int
    statement: str
    locks: tuple[Lock, ...]
    rewritten: tuple[str, ...]
    error: str
    is_skipped: bool


@dataclass(frozen=True)
class Trace:
    """What the pending files did on a copy, and what of the copy could not be made."""

    statements: tuple[Traced, ...]
    not_copied: tuple[str, ...]


def trace(
    url: str,
    *,
    folder: Path = PACKAGED,
    to: int | None = None,
    scratch_url: str | None = None,
) -> Trace:
    """Run the pending migrations on a copy of the schema, without its rows; never on ``url``.

    Args:
        url: The database to copy; it is only read.
        folder: The migration files.
        to: The last version to run; all of them if None.
        scratch_url: A server to copy to; an embedded one if None.

    Raises:
        UsageError: There is no scratch server, or pg_dump is missing.
        SourceError: The database cannot be reached or copied.
        MigrationError: Files and history contradict each other.
    """
    migrations = load_migrations(folder)
    with session(url) as connection:
        records = history.read(connection)
    done = {record.version: record.statements_done for record in records}
    pending = [
        replace(migration, statements=migration.statements[done.get(migration.version, 0) :])
        for migration in pending_migrations(migrations, records, to)
    ]
    with scratch_database(scratch_url, url) as scratch:
        not_copied = copy_schema(url, scratch)
        return Trace(tuple(trace_migrations(scratch, pending)), tuple(not_copied))


def copy_schema(url: str, scratch: str) -> list[str]:
    """Copy the schema of ``url`` into the empty database ``scratch``; return what failed.

    Raises:
        UsageError: pg_dump is missing.
        SourceError: pg_dump fails.
    """
    parts = conninfo_to_dict(url)
    environment = dict(os.environ)
    if password := parts.pop("password", None):
        environment["PGPASSWORD"] = str(password)
    done = subprocess.run(
        [find_program("pg_dump"), "--schema-only", "--no-owner", "--no-privileges",
         "--no-publications", "--no-subscriptions", "--no-security-labels",
         "--lock-wait-timeout=5s", f"--dbname={make_conninfo('', **parts)}"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()
        raise SourceError(
            f"pg_dump cannot copy the schema: {reason[0] if reason else done.returncode}",
            remedy="use a pg_dump not older than the server, and a role that may read it",
        )
    script = "\n".join(line for line in done.stdout.splitlines() if not line.startswith("\\"))
    failed = []
    with connect(scratch, autocommit=True) as connection:
        for statement in split(script):
            if statement.words == "create schema public":
                continue
            try:
                connection.execute(statement.sql.encode())
            except psycopg.Error as error:
                if statement.tokens[0].text == "set":
                    continue  # a setting that this server's version does not know
                failed.append(f"{statement.words[:80]}: {error.diag.message_primary}")
        connection.execute("reset all")
    return failed


def trace_migrations(scratch: str, migrations: Sequence[Migration]) -> Iterator[Traced]:
    """Yield what each statement of ``migrations`` does to the database ``scratch``.

    A file stops at its first error.

    Raises:
        SourceError: The database cannot be reached.
    """
    with (
        connect(scratch, autocommit=True) as connection,
        connect(scratch, autocommit=True) as observer,
    ):
        for migration in migrations:
            tracer = _Tracer(connection, observer, migration)
            scope: Any = contextlib.nullcontext()
            if migration.in_transaction:
                scope = connection.transaction()
            with contextlib.suppress(psycopg.Error), scope:
                for statement in migration.statements:
                    traced = tracer.run(statement)
                    yield traced
                    if traced.error and not traced.is_skipped:
                        raise psycopg.ProgrammingError
            connection.execute("reset all")


class _Tracer:
    """Watches one file run, statement by statement."""

    def __init__(self, connection: Connection, observer: Connection, migration: Migration) -> None:
        self._connection = connection
        self._observer = observer
        self._migration = migration
        self._pid = connection.info.backend_pid
        # Nobody else sees, or waits for, what the file itself creates.
        self._known = self._files()
        self._held: set[Lock] = set()

    def run(self, statement: Statement) -> Traced:
        before = self._files()
        locks: set[Lock] = set()
        error, is_skipped = "", False
        try:
            if self._migration.in_transaction:
                self._connection.execute(statement.sql.encode())
                locks = self._locks()
            else:
                locks = self._run_by_itself(statement)
        except psycopg.Error as failure:
            error = failure.diag.message_primary or str(failure)
            is_skipped = self._migration.skips_missing and isinstance(failure, MISSING)
        new = {lock for lock in locks - self._held if lock.table in self._known}
        if self._migration.in_transaction:
            self._held |= locks
        after = {} if error else self._files()
        return Traced(
            file=self._migration.path.name,
            line=statement.line,
            statement=" ".join(statement.sql.split())[:100],
            locks=tuple(sorted(new, key=lambda lock: (lock.table, lock.mode))),
            rewritten=tuple(
                sorted(
                    name
                    for name, number in after.items()
                    if name in self._known and before.get(name, number) != number
                )
            ),
            error=error,
            is_skipped=is_skipped,
        )

    def _run_by_itself(self, statement: Statement) -> set[Lock]:
        try:
            with self._connection.transaction():
                self._connection.execute(statement.sql.encode())
                return self._locks()
        except STANDS_ALONE:
            return self._run_against_a_writer(statement)

    def _run_against_a_writer(self, statement: Statement) -> set[Lock]:
        """Run a statement that commits by itself, and look at its locks while it waits.

        A transaction that has written the table keeps a CONCURRENTLY statement waiting after it
        took its locks, and VACUUM FULL before.
        """
        table = self._table_of(statement)
        failures: list[psycopg.Error] = []

        def execute() -> None:
            try:
                self._connection.execute(statement.sql.encode())
            except psycopg.Error as error:
                failures.append(error)

        seen: set[Lock] = set()
        runner = threading.Thread(target=execute)
        with self._observer.transaction(force_rollback=True):
            if table:
                self._observer.execute(
                    sql.SQL("lock table {} in row exclusive mode").format(sql.Identifier(*table))
                )
            runner.start()
            while runner.is_alive():
                seen |= self._locks(self._observer)
                row = self._observer.execute(
                    "select cardinality(pg_blocking_pids(%s))", [self._pid]
                ).fetchone()
                if row and row[0]:
                    seen |= self._locks(self._observer)
                    break
                time.sleep(0.005)
        runner.join()
        if failures:
            raise failures[0]
        return seen

    def _table_of(self, statement: Statement) -> tuple[str, ...]:
        for action in read_actions(statement):
            if action.verb in ("drop index", "reindex index"):
                row = self._observer.execute(
                    """
                    select tables.relnamespace::regnamespace::text, tables.relname
                    from pg_catalog.pg_index as indexes
                    join pg_catalog.pg_class as tables on tables.oid = indexes.indrelid
                    where indexes.indexrelid = to_regclass(%s)
                    """,
                    [sql.Identifier(*action.table).as_string()],
                ).fetchone()
                return row or ()
            if action.verb in ("create index", "reindex table", "detach partition", "vacuum full"):
                return action.table
        return ()

    def _locks(self, connection: Connection | None = None) -> set[Lock]:
        rows = (connection or self._connection).execute(_LOCKS, [self._pid]).fetchall()
        return {Lock(table, mode) for table, mode in rows}

    def _files(self) -> dict[str, int]:
        return dict(self._connection.execute(_FILES).fetchall())
