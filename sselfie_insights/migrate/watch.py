"""Run migrations on a scratch copy, statement by statement, and watch what PostgreSQL does."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import errors

from sselfie_insights.migrate.files import Migration
from sselfie_insights.migrate.statements import Statement
from sselfie_insights.postgres import Connection, as_options, connect

STANDS_ALONE = (errors.ActiveSqlTransaction, errors.InvalidTransactionTermination)
"""What PostgreSQL says inside a transaction of a statement that manages its own."""

MISSING = (errors.UndefinedTable, errors.UndefinedColumn)
"""What it says of a table or column that this database has not; some files pass over that."""

STRONG = frozenset({"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"})
"""The locks that keep others from writing."""

READING = frozenset({"AccessShareLock"})
"""What a query holds on what it reads; a check of a foreign key holds another."""

EXCLUSIVE = "AccessExclusiveLock"
"""The lock that keeps others from reading, too."""

CONTROL = frozenset(
    {"begin", "commit", "rollback", "abort", "end", "savepoint", "release", "start", "prepare"}
)
"""First words of statements that are the runner's alone; PREPARE is, if TRANSACTION follows."""

RELATIONS = ("table", "materialized view", "view", "foreign table", "composite type", "sequence")
"""The kinds that have columns, or rows."""

_SETTINGS = {
    "statement_timeout": "60s",
    # In this zone timestamp and timestamptz are two things; who knows who will run the file.
    "timezone": "Europe/Oslo",
    # What a function does is judged when it is called.
    "check_function_bodies": "off",
}
_LOCKABLE = frozenset({"table", "view", "materialized view", "foreign table", "index"})
_PLANNED = frozenset({"select", "insert", "update", "delete", "merge", "with", "execute"})
_VIEWS = "used by a view or rule"
_WATCH = Path(__file__).with_name("watch.sql").read_text(encoding="utf-8")
_NEXT = "savepoint statement; set local client_min_messages = debug1"
_LOCKS = """
select relation::bigint, mode from pg_catalog.pg_locks
where pid = %s and locktype = 'relation' and relation >= 16384
"""
Key = tuple[str, int, int]
"""What names an object for as long as it lives: its kind, its oid, and its part of that."""


class Object(NamedTuple):
    """A database object: its name, the relation it belongs to, its file, and what else matters."""

    name: str
    owner: int | None
    file: int
    detail: str


Objects = dict[Key, Object]


@dataclass
class Observed:
    """What one statement did to the copy.

    Attributes:
        migration: The file.
        statement: The statement.
        known: The objects that others can see, by what they were before.
        before: The objects before the statement.
        after: The objects after it.
        tag: PostgreSQL's name of what it did: ``ALTER TABLE``; empty if it failed.
        locks: The locks it took on known relations (oid and mode), beyond those held already.
        read: The known tables that were read, by whatever ran inside it.
        held: The known relations that the transaction keeps others from writing, after it.
        events: The known tables it wrote, and how: INSERT, UPDATE, DELETE or TRUNCATE.
        notices: SQLSTATE and text of what the server said meanwhile.
        removed: Whether it removed anything from the catalog.
        plan: The nodes of its plan, where it has one and that matters.
        stands_alone: Whether it cannot run in a transaction.
        error: Why it failed.
        note: What had to be done to the copy for it to run at all.
    """

    migration: Migration
    statement: Statement
    known: Mapping[Key, Object]
    before: Objects
    after: Objects
    tag: str = ""
    locks: set[tuple[int, str]] = field(default_factory=set)
    read: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)
    events: list[tuple[int, str]] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)
    removed: bool = False
    plan: list[dict[str, Any]] | None = None
    stands_alone: bool = False
    error: psycopg.Error | None = None
    note: str = ""

    def table(self, oid: int) -> int:
        """Return the table of an index; another relation is its own."""
        for objects in (self.before, self.after):
            if found := objects.get(("index", oid, 0)):
                return found.owner or oid
        return oid

    def name(self, oid: int | None) -> str:
        """Return what a relation was called, or is called if it is new; empty if it is none."""
        for objects in (self.known, self.before, self.after):
            for kind in RELATIONS:
                if found := objects.get((kind, oid or 0, 0)):
                    return found.name
        return ""

    @property
    def is_skipped(self) -> bool:
        """Whether it failed for want of a table or column, which its file passes over."""
        return self.migration.skips_missing and isinstance(self.error, MISSING)


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
        settings = _SETTINGS | {"search_path": search_path}
        # As options of the connection: no RESET of a file undoes them.
        self._options = as_options(settings)
        self._scratch = scratch
        self._known_anew = known_anew
        self._notices: list[tuple[str, str]] = []
        self._event = self._added = self._changed = self._removed = 0
        self._held: set[tuple[int, str]] = set()
        self._scans: dict[int, int] = {}
        with connect(scratch, autocommit=True) as connection:
            connection.execute(_WATCH.encode())
            self.server_version = connection.info.server_version
            self._learn(connection)

    def run(self, migration: Migration) -> Iterator[Observed]:
        """Yield what each statement of ``migration`` does; one that fails leaves nothing.

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
                self._learn(connection)
            with suppress(errors.InsufficientPrivilege):
                connection.execute("set lc_messages = 'C'")
            if migration.in_transaction:
                self._begin(connection)
            for statement in migration.statements:
                if is_control(statement):
                    continue
                if migration.in_transaction:
                    yield self._observe(connection, migration, statement)
                else:
                    yield self._observe_by_itself(connection, migration, statement)
            if migration.in_transaction:
                with suppress(errors.IntegrityError):  # what is checked in the end needs rows
                    connection.execute("commit")

    def _learn(self, connection: Connection) -> None:
        connection.execute("select sselfie_watch.attach()")
        self._state = self._objects(connection)
        self._know(self._state)

    def _know(self, known: Objects) -> None:
        """Take ``known`` for what others can see."""
        self._known = known
        self._tables = {
            key[1]: found.owner or key[1]
            for key, found in self._known.items()
            if key[0] in _LOCKABLE
        }

    def _begin(self, connection: Connection) -> None:
        # The runner asks something first, too: SET TRANSACTION comes too late.
        connection.execute(f"begin; select 1; {_NEXT}".encode())
        self._held, self._scans = set(), {}
        self._added = self._changed = self._removed = 0

    def _observe(
        self, connection: Connection, migration: Migration, statement: Statement
    ) -> Observed:
        seen = Observed(migration, statement, self._known, self._state, self._state)
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
            self._state = seen.before = seen.after = self._objects(connection)
            self._know({key: self._known[key] for key in self._known.keys() & self._state.keys()})
            seen.known = self._known
            self._attempt(connection, seen)
        if seen.error is None:
            self._look(connection, seen)
        return seen

    def _attempt(self, connection: Connection, seen: Observed) -> None:
        self._notices.clear()
        seen.error = None
        try:
            seen.tag = _tag(connection.execute(seen.statement.sql.encode()))
            seen.notices = self._notices.copy()
        except psycopg.Error as error:
            if connection.closed:
                raise
            seen.error = error
            connection.execute(
                f"rollback to savepoint statement; release savepoint statement; {_NEXT}".encode()
            )

    def _look(self, connection: Connection, seen: Observed) -> None:
        """Find out what a statement did that has succeeded, in its transaction."""
        # One way there and back: a file can have many thousands of statements.
        answers = connection.execute(
            f"release savepoint statement; select * from sselfie_watch.pulse({self._event});"  # noqa: S608 - a number
            f" {_NEXT}".encode()
        )
        answers.nextset()
        row = answers.fetchone()
        assert row is not None  # noqa: S101  # the function returns one
        added, changed, removed, locks, events = row
        held = {(int(oid), mode) for oid, mode, _ in locks or () if int(oid) in self._tables}
        scans = {int(oid): int(number) for oid, mode, number in locks or () if mode in READING}
        seen.read = {
            self._tables[oid]
            for oid, number in scans.items()
            if oid in self._tables and number > self._scans.get(oid, 0)
        }
        self._scans = scans
        seen.locks, self._held = held - self._held, held
        seen.held = {self._tables[oid] for oid, mode in held if mode in STRONG}
        self._hear(seen, events)
        seen.removed = removed != self._removed
        # What is only added concerns nobody, but on a table that is locked for it.
        if changed != self._changed or (seen.held and added != self._added):
            seen.after = self._state = self._objects(connection)
        self._added, self._changed, self._removed = added, changed, removed
        if seen.statement.tokens[0].text in _PLANNED and (
            seen.held or seen.read or any(kind != "INSERT" for _, kind in seen.events)
        ):
            seen.plan = _explain(connection, seen.statement)
        if seen.after is not seen.before and any(
            found.name == "sselfie_watch" and found.detail != "A" for found in seen.after.values()
        ):
            connection.execute("select sselfie_watch.attach()")
            self._state = self._objects(connection)

    def _hear(self, seen: Observed, events: list[tuple[int, int, str]] | None) -> None:
        for number, oid, kind in events or ():
            self._event = number
            if oid in self._tables:
                seen.events.append((oid, kind))

    def _observe_by_itself(
        self, connection: Connection, migration: Migration, statement: Statement
    ) -> Observed:
        self._begin(connection)
        seen = self._observe(connection, migration, statement)
        if isinstance(seen.error, STANDS_ALONE):
            connection.execute("rollback")
            return self._observe_alone(connection, migration, statement)
        connection.execute("commit")
        return seen

    def _observe_alone(
        self, connection: Connection, migration: Migration, statement: Statement
    ) -> Observed:
        """Run a statement that commits by itself, and look at its locks while it waits.

        A transaction that may have written every table keeps what locks writers out waiting for
        its lock, and what runs CONCURRENTLY waiting after it took its own.
        """
        seen = Observed(
            migration, statement, self._known, self._state, self._state, stands_alone=True
        )
        pid = connection.info.backend_pid
        locks: set[tuple[int, str]] = set()

        def execute() -> None:
            try:
                seen.tag = _tag(connection.execute(statement.sql.encode()))
            except psycopg.Error as error:
                seen.error = error

        connection.execute("set client_min_messages = debug1")
        self._notices.clear()
        names = [found.name for key, found in self._state.items() if key[0] == "table"]
        runner = threading.Thread(target=execute)
        with (
            connect(self._scratch, autocommit=True) as writer,
            writer.transaction(force_rollback=True),
        ):
            if names:
                writer.execute(f"lock table {', '.join(names)} in row exclusive mode".encode())
            runner.start()
            blocked = False
            while runner.is_alive() and not blocked:
                row = writer.execute(
                    "select cardinality(pg_catalog.pg_blocking_pids(%s)) > 0", [pid]
                ).fetchone()
                blocked = row is not None and row[0]
                locks |= set(writer.execute(_LOCKS, [pid]).fetchall())
                time.sleep(0.005)
        runner.join()
        if connection.closed and seen.error:
            raise seen.error
        seen.notices = self._notices.copy()
        seen.locks = {lock for lock in locks if lock[0] in self._tables}
        seen.held = {self._tables[oid] for oid, mode in seen.locks if mode in STRONG}
        row = connection.execute(
            "select events from sselfie_watch.pulse(%s)", [self._event]
        ).fetchone()
        self._hear(seen, row[0] if row else None)
        seen.after = self._state = self._objects(connection)
        return seen

    def _objects(self, connection: Connection) -> Objects:
        rows = connection.execute(
            "select kind, oid::bigint, part, name, owner::bigint, file::bigint, detail"
            " from sselfie_watch.objects"
        )
        return {(kind, oid, part): Object(*found) for kind, oid, part, *found in rows}


def is_control(statement: Statement) -> bool:
    """Say whether a statement would begin or end a transaction, which is the runner's to do."""
    words = [token.text for token in statement.tokens[:2]]
    return words[0] in CONTROL and (words[0] != "prepare" or words[1:] == ["transaction"])


def _tag(cursor: psycopg.Cursor[Any]) -> str:
    return (cursor.statusmessage or "").rstrip(" 0123456789")


def _explain(connection: Connection, statement: Statement) -> list[dict[str, Any]] | None:
    """Return the nodes of a statement's plan, each with its children; None if it has none."""
    connection.execute("savepoint plan")
    nodes: list[dict[str, Any]] = []
    try:
        row = connection.execute(
            b"explain (format json, verbose) " + statement.sql.encode()
        ).fetchone()
    except psycopg.Error:
        return None
    finally:
        connection.execute("rollback to savepoint plan")
    open_nodes = [item["Plan"] for item in (row[0] if row else ()) if "Plan" in item]
    while open_nodes:
        node = open_nodes.pop()
        nodes.append(node)
        open_nodes += node.get("Plans", ())
    return nodes
