"""Run migrations on a scratch copy, statement by statement, and watch what PostgreSQL does."""

import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors

from sselfie_insights.migrate.files import Migration
from sselfie_insights.migrate.judging import EXCLUSIVE, STRONG, Hit, Lock, Observed
from sselfie_insights.migrate.statements import Statement
from sselfie_insights.postgres import Connection, as_options, connect

STANDS_ALONE = (errors.ActiveSqlTransaction, errors.InvalidTransactionTermination)
"""What PostgreSQL says inside a transaction of a statement that manages its own."""

_READING = "AccessShareLock"
"""What a query holds on what it reads; a check of a foreign key holds another."""

_WHOLE_SCANS = {"ALTER DOMAIN": "ShareLock", "CREATE TABLE": EXCLUSIVE}
"""What reads tables to the end and says nothing of it, and its lock on them: the tables with a
column of the domain, the default partition."""

_CONTROL = frozenset(
    {"begin", "commit", "rollback", "abort", "end", "savepoint", "release", "start", "prepare"}
)
_SETTINGS = {
    "statement_timeout": "60s",
    # In this zone timestamp and timestamptz are two things; who knows who will run the file.
    "timezone": "Europe/Oslo",
    # What a function does is judged when it is called.
    "check_function_bodies": "off",
}
_PLANNED = frozenset({"select", "insert", "update", "delete", "merge", "with", "execute"})
_REPEATABLE = frozenset({"alter", "comment", "create", "grant", "insert", "revoke"})
"""What begins statements of which nothing stays when they are rolled back."""

_READS = re.compile(r"insert .*\b(select|table|with)\b")
_BEYOND = re.compile(
    r"(create|alter|drop) (database|subscription|system|tablespace)\b"
    r"|reindex (\([^)]*\) )?system\b|copy .*\b(from|to) (program )?\?"
)
"""What would stay on the scratch server, or reach another."""

_CHANGES = ("added", "changed", "removed")
_TOGETHER_CHARACTERS = 1_000_000
_VIEWS = "used by a view or rule"
_WATCH = Path(__file__).with_name("watch.sql").read_text(encoding="utf-8")
_NEXT = "savepoint statement; set local client_min_messages = debug1"


class Watcher:
    """Runs files on a copy, in order.

    Args:
        scratch: The copy.
        search_path: The search path under which a file begins.
        known_anew: Whether what one file creates counts as known, and in use, for the next.
    """

    def __init__(
        self, scratch: str, *, search_path: str = '"$user", public', known_anew: bool = False
    ) -> None:
        # As options of the connection: no RESET of a file undoes them.
        self._options = as_options(_SETTINGS | {"search_path": search_path})
        self._scratch = scratch
        self._known_anew = known_anew
        self._notices: list[tuple[str, str]] = []
        self._last_write = 0
        # Nothing of the copy's takes the place of a function or operator of PostgreSQL's.
        ours = as_options({"search_path": "pg_catalog, pg_temp"})
        with connect(scratch, autocommit=True, options=ours) as connection:
            connection.execute(_WATCH.encode())
            connection.execute("select sselfie_watch.learn()")
            self.server_version = connection.info.server_version

    def run(self, migration: Migration, done: int = 0) -> Iterator[Observed]:
        """Yield what each statement of ``migration`` does after the first ``done``.

        One that fails leaves nothing.

        Raises:
            SourceError: The copy cannot be reached.
        """
        with connect(
            self._scratch, autocommit=True, prepare_threshold=None, options=self._options
        ) as connection:
            connection.add_notice_handler(
                lambda said: self._notices.append((said.sqlstate or "", said.message_primary or ""))
            )
            if self._known_anew:
                connection.execute("select sselfie_watch.learn()")
            with suppress(errors.InsufficientPrivilege):
                connection.execute("set lc_messages = 'C'")
            left = [
                Observed(migration, statement)
                for statement in migration.statements[done:]
                if not is_control(statement)
            ]
            if not migration.in_transaction:
                yield from (self._observe_by_itself(connection, seen) for seen in left)
                return
            self._begin(connection)
            # Each look costs as much as there are locks: as long as nothing is to be seen, look at
            # more and more statements together.
            size = 1
            while left:
                some = left[: _count_repeatable(left[:size])]
                del left[: len(some)]
                yield from self._observe_some(connection, some)
                is_eventful = any(seen.is_eventful for seen in some)
                size = max(1, size // 2) if is_eventful else size * 2
            with suppress(errors.IntegrityError):  # what is checked in the end needs rows
                connection.execute("commit")

    def _begin(self, connection: Connection) -> None:
        # The runner asks something first, too: SET TRANSACTION comes too late.
        connection.execute(f"begin; select 1; {_NEXT}".encode())
        self._locks: set[Lock] = set()
        self._scans: dict[int, int] = {}
        self._counts = (0, 0, 0)

    def _observe_some(self, connection: Connection, some: list[Observed]) -> Iterator[Observed]:
        """Yield what statements do: at one look if that is nothing, else at ever smaller parts."""
        if len(some) == 1:
            yield self._observe(connection, some[0])
        elif self._pass_unnoticed(connection, some):
            yield from some
        else:
            half = len(some) // 2
            yield from self._observe_some(connection, some[:half])
            yield from self._observe_some(connection, some[half:])

    def _pass_unnoticed(self, connection: Connection, some: list[Observed]) -> bool:
        """Run statements unless together they do what must be looked at one by one."""
        before = self._locks, self._scans, self._counts, self._last_write
        text = ";\n".join(seen.statement.sql for seen in some)
        together = Observed(some[0].migration, replace(some[0].statement, sql=text, words=""))
        connection.execute("savepoint together; savepoint statement")
        tags = self._attempt(connection, together)
        if together.error is None:
            self._look(connection, together)
        is_unnoticed = not together.is_eventful and len(tags) == len(some)
        if is_unnoticed:
            for seen, tag in zip(some, tags, strict=True):
                seen.tag = tag
        else:
            connection.execute("rollback to savepoint together")
            self._locks, self._scans, self._counts, self._last_write = before
        connection.execute("release savepoint together")
        return is_unnoticed

    def _observe(self, connection: Connection, seen: Observed) -> Observed:
        if found := _BEYOND.match(seen.statement.words):
            message = f"{found[0].upper()} reaches beyond what was copied, and was not tried"
            seen.hits = [Hit("unjudged", message)]
            return seen
        self._attempt(connection, seen)
        if isinstance(seen.error, errors.ForeignKeyViolation):
            # The rows that it refers to are not in the copy.
            with suppress(errors.InsufficientPrivilege):
                connection.execute("set local session_replication_role = replica")
                self._attempt(connection, seen)
                connection.execute("set local session_replication_role = origin")
        elif isinstance(seen.error, errors.FeatureNotSupported) and _VIEWS in str(seen.error):
            seen.note = str(seen.error.diag.message_primary)
            connection.execute("select sselfie_watch.drop_views()")
            connection.execute(f"release savepoint statement; {_NEXT}".encode())
            self._attempt(connection, seen)
        if seen.error is None:
            self._look(connection, seen)
        return seen

    def _attempt(self, connection: Connection, seen: Observed) -> list[str]:
        """Run a statement, or several, and return their tags; what fails leaves nothing."""
        self._notices.clear()
        seen.error = None
        try:
            cursor = connection.execute(seen.statement.sql.encode())
            tags = [_tag(cursor)]
            while cursor.nextset():
                tags.append(_tag(cursor))
            seen.notices, seen.tag = self._notices.copy(), tags[-1]
            return tags
        except psycopg.Error as error:
            if connection.closed:
                raise
            self._take_back(connection, seen, error)
            return []

    def _take_back(self, connection: Connection, seen: Observed, error: psycopg.Error) -> None:
        seen.error = error
        undo = f"rollback to savepoint statement; release savepoint statement; {_NEXT}"
        connection.execute(undo.encode())

    def _look(self, connection: Connection, seen: Observed) -> None:
        """Find out what a statement did that has succeeded, in its transaction."""
        # One way there and back: a file can have many thousands of statements.
        look = f"select * from sselfie_watch.pulse({self._last_write})"  # noqa: S608 - a number
        try:
            answers = connection.execute(f"{look}; release savepoint statement; {_NEXT}".encode())
        except (errors.UndefinedFunction, errors.InvalidSchemaName) as error:
            self._take_back(connection, seen, error)  # it has removed what looks
            return
        row = answers.fetchone()
        assert row is not None  # noqa: S101  # the function returns one
        *counts, locks, writes = row
        held = {Lock(name, mode, is_on_index) for _, name, mode, is_on_index, _ in locks or ()}
        scans = {oid: (name, n) for oid, name, mode, _, n in locks or () if mode == _READING}
        seen.read = {name for oid, (name, n) in scans.items() if n > self._scans.get(oid, 0)}
        seen.locks = held - self._locks
        seen.held = {lock.table for lock in held if lock.mode in STRONG}
        seen.changes = {
            change
            for change, now, before in zip(_CHANGES, counts, self._counts, strict=True)
            if now != before
        }
        self._locks, self._counts = held, tuple(counts)
        self._scans = {oid: n for oid, (_, n) in scans.items()}
        since = self._hear(seen, writes)
        # What is only added concerns nobody, but on a table that is locked for it, or in the place
        # of what was removed.
        if seen.changes - {"added"} or (seen.changes and (seen.held or counts[2])):
            self._compare(connection, seen, since)
        if seen.statement.command in _PLANNED and (
            seen.held or seen.read or any(kind != "INSERT" for _, kind in seen.writes)
        ):
            self._explain(connection, seen)

    def _explain(self, connection: Connection, seen: Observed) -> None:
        """Note which tables the plan of a statement reads or changes, if it has one."""
        rows = connection.execute(
            "select plan is not null, sselfie_watch.list_calls(plan), used.*"
            " from sselfie_watch.explain(%s) as plan"
            " left join lateral sselfie_watch.read_plan(plan) as used on true",
            [seen.statement.sql],
        ).fetchall()
        if rows[0][0]:
            seen.planned = {name for _, _, name, is_read, _ in rows if is_read}
            seen.bounded = {name for _, _, name, _, is_bounded in rows if is_bounded}
            seen.called = rows[0][1] or ""

    def _hear(self, seen: Observed, writes: Iterable[tuple[int, str | None, str]] | None) -> int:
        """Take note of what was written; return the number of the last write before."""
        since = self._last_write
        for self._last_write, name, kind in writes or ():
            if name is not None:
                seen.writes.append((name, kind))
        return since

    def _compare(self, connection: Connection, seen: Observed, since: int) -> None:
        mode = _WHOLE_SCANS.get(seen.tag)
        rows = connection.execute(
            "select rule, message, coalesce(name, '')"
            " from sselfie_watch.compare(%s, %s, %s, %s, %s)",
            [
                since,
                seen.stands_alone,
                bool(seen.held),
                [message for _, message in seen.notices],
                [lock.table for lock in seen.locks if lock.mode == mode],
            ],
        )
        seen.hits = [Hit(*row) for row in rows]

    def _observe_by_itself(self, connection: Connection, seen: Observed) -> Observed:
        self._begin(connection)
        self._observe(connection, seen)
        if isinstance(seen.error, STANDS_ALONE):
            connection.execute("rollback")
            self._observe_alone(connection, seen)
        else:
            connection.execute("commit")
        return seen

    def _observe_alone(self, connection: Connection, seen: Observed) -> None:
        """Run a statement that commits by itself, and look at its locks while it waits.

        A transaction that may have written every table keeps what locks writers out waiting for
        its lock, and what runs CONCURRENTLY waiting after it took its own.
        """
        seen.stands_alone, seen.error = True, None

        def execute() -> None:
            try:
                seen.tag = _tag(connection.execute(seen.statement.sql.encode()))
            except psycopg.Error as error:
                seen.error = error

        connection.execute("set client_min_messages = debug1")
        self._notices.clear()
        pid = connection.info.backend_pid
        runner = threading.Thread(target=execute)
        with (
            connect(self._scratch, autocommit=True) as writer,
            writer.transaction(force_rollback=True),
        ):
            writer.execute("select sselfie_watch.write_every_table()")
            runner.start()
            blocked = False
            while runner.is_alive() and not blocked:
                row = writer.execute(
                    "select cardinality(pg_catalog.pg_blocking_pids(%s)) > 0", [pid]
                ).fetchone()
                blocked = row is not None and row[0]
                seen.locks |= {
                    Lock(*lock)
                    for lock in writer.execute(
                        "select name, mode, is_index from sselfie_watch.locks(%s)", [pid]
                    )
                }
                time.sleep(0.005)
        runner.join()
        if connection.closed and seen.error:
            raise seen.error
        seen.notices = self._notices.copy()
        seen.held = {lock.table for lock in seen.locks if lock.mode in STRONG}
        rows = connection.execute(
            "select number, name, operation from sselfie_watch.writes(%s)", [self._last_write]
        )
        self._compare(connection, seen, self._hear(seen, rows))


def _count_repeatable(some: list[Observed]) -> int:
    """Return how many of these may be tried together, at least one."""
    characters = 0
    for number, statement in enumerate(seen.statement for seen in some):
        characters += len(statement.sql)
        # What a plan reads must be asked of each statement by itself.
        is_repeatable = (
            statement.command in _REPEATABLE
            and not _READS.match(statement.words)
            and not _BEYOND.match(statement.words)
        )
        if not is_repeatable or characters > _TOGETHER_CHARACTERS:
            return max(1, number)
    return len(some)


def is_control(statement: Statement) -> bool:
    """Say whether a statement would begin or end a transaction, which is the runner's to do."""
    command = statement.command
    return command in _CONTROL and (
        command != "prepare" or statement.words.startswith("prepare transaction")
    )


def _tag(cursor: psycopg.Cursor[Any]) -> str:
    return (cursor.statusmessage or "").rstrip(" 0123456789")
