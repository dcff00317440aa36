"""The source: one guarded connection, and the snapshot that a whole sync reads."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from sselfie_insights.errors import SourceError
from sselfie_insights.postgres import (
    CONNECT_TIMEOUT_SECONDS,
    TRANSACTION_TIMEOUT_SINCE,
    Connection,
    advisory_lock,
    as_options,
    connect,
    describe_target,
    neutral_settings,
    parse_url,
    redact,
    refuse_pooler,
)
from sselfie_insights.setting_names import CONFIG_FILE, Tables
from sselfie_insights.settings import Settings
from sselfie_insights.sql import literal
from sselfie_insights.sync.catalog import (
    Catalog,
    LeftOut,
    SourceTable,
    read_catalog,
    read_left_out,
)
from sselfie_insights.sync.names import find_documented
from sselfie_insights.sync.origins import with_origins

LOCK_TIMEOUT_SECONDS = 1
"""How long any read waits for a lock: longer than a statement, shorter than anyone's patience."""

LOCK_PATIENCE_SECONDS = 60
"""How long a disturbed sync waits for the disturbance to end before it starts again."""

CONNECT_WAITS_SECONDS = (1, 3, 8)
"""Pauses between attempts to reach a server that is waking up."""

WAKING = ("starting up", "shutting down", "recovery mode", "timeout expired", "terminating")

MIN_VERSION = 140000

# What the text of a value depends on, besides the value.
_TEXT = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "search_path": "pg_catalog, pg_temp",
}
SESSION = "; ".join(
    f"set local {name} = {value if name == 'search_path' else literal(value)}"
    for name, value in _TEXT.items()
)
BEGIN = "begin isolation level repeatable read read only"

REPLAY_PATIENCE_SECONDS = 10
"""How long a standby may take to replay what the last sync saw: many times its usual delay."""

# How far a standby has replayed its primary's log, and when its last transaction ended there.
_REPLAYED = """
select pg_last_wal_replay_lsn() - '0/0', pg_last_xact_replay_timestamp()
where pg_is_in_recovery()
"""

# On a page, or a file, that nothing was written to yet, the next record goes behind its header;
# who has replayed all that is before is at its start.
_SNAPSHOT = """
select
    pg_export_snapshot(),
    transaction_timestamp(),
    pg_snapshot_xmin(s)::text::bigint,
    pg_snapshot_xmax(s)::text::bigint,
    pg_is_in_recovery(),
    case
        when mod(position, pg_size_bytes(current_setting('wal_segment_size'))) = 40
            then position - 40
        when mod(position, current_setting('wal_block_size')::int) = 24 then position - 24
        else position
    end::bigint
from
    pg_current_snapshot() as s,
    lateral (
        select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
            else pg_current_wal_insert_lsn() end - '0/0'
    ) as log (position)
"""


@dataclass(frozen=True)
class Seen:
    """What an earlier sync saw of the source.

    Attributes:
        at: The instant of its snapshot.
        wal_position: Its ``Snapshot.wal_position``; None if this server's log is another one.
    """

    at: datetime
    wal_position: int | None = None


@dataclass(frozen=True)
class Snapshot:
    """One moment of the source.

    Attributes:
        id: The name under which other connections join it.
        at: Its instant (UTC); of a standby, the last instant of its primary that it is known to
            show: that of the last transaction replayed, or of an earlier sync that saw no more.
        xmin: Every transaction below it had ended.
        xmax: No transaction from it on had begun.
        is_standby: Whether the server replays another one's changes.
        wal_position: A byte of the log; who has replayed all before it shows at least as much.
        shows_seen: Whether it is known to show all that the earlier sync saw.
    """

    id: str
    at: datetime
    xmin: int
    xmax: int
    is_standby: bool
    wal_position: int
    shows_seen: bool = True


class Source:
    """The source database, through one connection that holds the snapshot and reads the catalog.

    Attributes:
        url: The connection string that further connections of this sync use; holds the password.
        target: ``host:port/database``, safe to show.
        schemas: Those that are read.
        reading: The table that is read now; empty before.
    """

    def __init__(
        self,
        connection: Connection,
        url: str,
        schemas: Sequence[str],
        tables: Tables,
    ) -> None:
        self.url = url
        self.target = describe_target(url)
        self.reading = ""
        self._connection = connection
        self.schemas = schemas
        self._tables = tables

    @property
    def role(self) -> str:
        """The role that reads."""
        return self._connection.info.user

    @property
    def keeps_utf8(self) -> bool:
        """Whether the server keeps texts as it sends them, and counts their bytes alike."""
        return self._connection.info.parameter_status("server_encoding") in ("UTF8", "SQL_ASCII")

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return self._connection.closed

    def read_catalog(self, *, with_closed: bool = False) -> Catalog:
        """Return the tables to mirror; those, too, that may not be read, if ``with_closed``."""
        return {
            key: table
            for key, table in self._read_tables().items()
            if (item := self._judge(table)) is None or (with_closed and item.cause == "rights")
        }

    def read_relations(self) -> tuple[Catalog, list[LeftOut]]:
        """Return the tables to mirror as they are now, and what the schemas hold besides."""
        catalog = self._read_tables()
        left_out = {key: item for key, table in catalog.items() if (item := self._judge(table))}
        mirrored = {key: table for key, table in catalog.items() if key not in left_out}
        others = [*read_left_out(self._connection, self.schemas), *left_out.values()]
        return mirrored, [
            replace(item, documented=self._find_documented(item.schema, item.name))
            for item in others
        ]

    def _read_tables(self) -> Catalog:
        return with_origins(self._connection, read_catalog(self._connection, self.schemas))

    def _judge(self, table: SourceTable) -> LeftOut | None:
        """Return why a table is left out, or nothing if it is read."""
        key = table.schema, table.name
        if self.leaves_out(*key):
            return LeftOut(*key, "settings", f"left out by [tables] in {CONFIG_FILE}")
        is_closed = self._is_closed(table)
        return LeftOut(*key, "rights", f"role {self.role} may not read it") if is_closed else None

    def _is_closed(self, table: SourceTable) -> bool:
        """Say whether the role may not read a table that nothing is made of."""
        if not table.columns or any(column.is_readable for column in table.columns):
            return False
        return not self._find_documented(table.schema, table.name)

    def _find_documented(self, schema: str, name: str) -> str:
        return find_documented(name, self._tables) if schema == self.schemas[0] else ""

    def leaves_out(self, schema: str, name: str) -> bool:
        """Say whether the settings keep a table out of the mirror."""
        names = (name, f"{schema}.{name}")
        return any(
            fnmatchcase(each, pattern) for each in names for pattern in self._tables.leave_out
        )

    def execute(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Return the rows of ``query``, and hold no lock afterwards."""
        connection = self._connection
        if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return connection.execute(query.encode(), parameters).fetchall()
        connection.execute("savepoint statement")
        rows = connection.execute(query.encode(), parameters).fetchall()
        connection.execute("rollback to statement")
        return rows

    def read_identity(self) -> str:
        """Return what names this very history of this database: another one shares no xmin.

        Empty where the role may not know.
        """
        if not self._may_read_control():
            return ""
        rows = self.execute(
            # A server that was just promoted names its new timeline in its recovery first.
            "select concat_ws(' ', s.system_identifier,"
            " greatest(c.timeline_id, r.min_recovery_end_timeline), d.oid,"
            " current_setting('neon.timeline_id', true))"
            " from pg_control_system() s, pg_control_checkpoint() c, pg_control_recovery() r,"
            " pg_database d"
            " where d.datname = current_database()"
        )
        return str(rows[0][0])

    def _may_read_control(self) -> bool:
        """Say whether the role may read the server's control file."""
        functions = ("pg_control_system()", "pg_control_checkpoint()", "pg_control_recovery()")
        return all(
            self.execute("select has_function_privilege(%s, 'execute')", [name])[0][0]
            for name in functions
        )

    def redact(self, text: str) -> str:
        """Return ``text`` without the secrets of the URL, should they be there."""
        return redact(parse_url(self.url), text)

    @contextmanager
    def snapshot(self, seen: Seen | None = None) -> Iterator[Snapshot]:
        """Hold one snapshot while the block runs; ``execute`` reads it.

        A standby is given a moment to replay all that an earlier sync has ``seen``.

        Raises:
            SourceError: It is a standby that cannot say what moment it shows.
        """
        connection = self._connection
        # Before the snapshot: whatever is replayed until then, the snapshot shows.
        replayed = self._wait_for_replay(seen.wal_position if seen else None)
        connection.execute(BEGIN)
        try:
            connection.execute(SESSION.encode())
            row = connection.execute(_SNAPSHOT).fetchone()
            assert row is not None  # noqa: S101 - a select without a table has one row
            snapshot = Snapshot(*row)
            if snapshot.is_standby:
                snapshot = self._date(snapshot, *replayed, seen)
            yield snapshot
        finally:
            self.end_snapshot()

    def _wait_for_replay(self, wanted: int | None) -> tuple[int, datetime | None]:
        """Return how far a standby has replayed, and the instant of its last transaction."""
        deadline = time.monotonic() + REPLAY_PATIENCE_SECONDS
        while True:
            rows = self.execute(_REPLAYED)
            if not rows or wanted is None or rows[0][0] >= wanted or time.monotonic() > deadline:
                return (int(rows[0][0]), rows[0][1]) if rows else (0, None)
            time.sleep(0.05)

    def _date(
        self, snapshot: Snapshot, position: int, at: datetime | None, seen: Seen | None
    ) -> Snapshot:
        """Return a standby's snapshot with the instant that it is known to show."""
        shows_seen = (
            seen is not None and seen.wal_position is not None and position >= seen.wal_position
        )
        if at is None and self._may_read_control():
            # Nothing was replayed since the start but what follows a checkpoint.
            ((at,),) = self.execute("select checkpoint_time from pg_control_checkpoint()")
        known = [at] if at else []
        if seen and shows_seen:
            known.append(seen.at)
        if not known:
            raise SourceError(
                f"the standby {self.target} cannot say what moment of its primary it shows",
                remedy="grant execute on function pg_control_checkpoint() to this role, or wait"
                " until it has replayed a transaction",
            )
        return replace(snapshot, at=max(known), shows_seen=shows_seen)

    def end_snapshot(self) -> None:
        """Let go of the snapshot, if one is held; ``execute`` reads the present again."""
        if not self._connection.closed:
            self._connection.rollback()

    def locked_tables(self) -> list[str]:
        """Return the tables that someone rewrites or drops just now, or waits to."""
        rows = self.execute(
            "select distinct n.nspname || '.' || c.relname"
            " from pg_locks l join pg_class c on c.oid = l.relation"
            " join pg_namespace n on n.oid = c.relnamespace"
            " where l.mode = 'AccessExclusiveLock' and n.nspname = any(%s)"
            " and c.relkind in ('r', 'p', 'm') order by 1",
            [list(self.schemas)],
        )
        return [name for (name,) in rows]

    def wait_for_migrations(self) -> None:
        """Wait, within bounds and without a lock, while someone rewrites or drops a table."""
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        while self.locked_tables() and time.monotonic() < deadline:
            time.sleep(0.2)


@contextmanager
def open_source(url: str, settings: Settings) -> Iterator[Source]:
    """Open the source for a sync, and keep migrations of ours out while the block runs.

    Args:
        url: The connection string.
        settings: Which schemas and tables are read.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: The server cannot be reached, is pooled, or is too old.
        LockedError: A migration is running.
    """
    refuse_pooler(url)
    connection = _connect_patiently(_guarded(url))
    with connection:
        refuse_pooler(url, connection)
        version = connection.info.server_version
        if version >= TRANSACTION_TIMEOUT_SINCE:
            connection.execute("set transaction_timeout = 0")
        url = _guarded(url, version)
        if version < MIN_VERSION:
            raise SourceError(
                f"{describe_target(url)} runs PostgreSQL {version // 10000}",
                remedy="the mirror needs PostgreSQL 14 or later",
            )
        with advisory_lock(connection, shared=True):
            yield Source(connection, url, settings.source_schemas, settings.tables)


def _guarded(url: str, server_version: int = 0) -> str:
    """Return ``url`` with the settings of a sync; what the user wrote in it wins."""
    settings = {
        **neutral_settings(server_version),
        **_TEXT,
        # The planner overrates the catalog query so much that compiling it takes seconds.
        "jit": "off",
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
    }
    given = parse_url(url)
    defaults = {"application_name": "sselfie sync", "connect_timeout": str(CONNECT_TIMEOUT_SECONDS)}
    fixed = {
        "client_encoding": "UTF8",
        "options": f"{as_options(settings)} {given.get('options', '')}".strip(),
    }
    return make_conninfo(**(defaults | given | fixed))


def _connect_patiently(url: str) -> Connection:
    for wait in CONNECT_WAITS_SECONDS:
        try:
            return connect(url, autocommit=True)
        except SourceError as error:
            if not any(phrase in error.message for phrase in WAKING):
                raise
            time.sleep(wait)
    return connect(url, autocommit=True)
