"""See from beside what a connection does to others: who blocks it, and whether it blocks them."""

import threading
from collections.abc import Iterable
from types import TracebackType

import psycopg

from sselfie_insights.migrate.session import open_connection

POLL_SECONDS = 0.03
"""Often enough to look several times within a lock timeout of 200 ms."""

# What is said of a session; some of it is hidden from a role that is no superuser.
_SESSION = """
    coalesce(
        'process ' || activity.pid || ' ('
        || concat_ws(
            ', ',
            coalesce(nullif(activity.application_name, ''), activity.backend_type),
            'role ' || activity.usename,
            activity.state,
            'transaction open for '
            || date_trunc('second', clock_timestamp() - activity.xact_start)
        )
        || '): ' || left(regexp_replace(activity.query, '\\s+', ' ', 'g'), 100),
        'a prepared transaction (see pg_prepared_xacts)'
    )
"""

# One row per session that the observed one waits for.
_BLOCKERS = f"""
select distinct {_SESSION}
from unnest(pg_catalog.pg_blocking_pids(%s)) as blockers (pid)
left join pg_catalog.pg_stat_activity as activity on activity.pid = blockers.pid
order by 1
"""  # noqa: S608 - own text

# One row per session that holds a lock on a table or index of one of the given names.
_HOLDERS = f"""
select {_SESSION}, string_agg(distinct locks.mode || ' on ' || class.relname, ', ')
from pg_catalog.pg_locks as locks
join pg_catalog.pg_class as class on class.oid = locks.relation
left join pg_catalog.pg_stat_activity as activity on activity.pid = locks.pid
where
    locks.granted
    and locks.database = (
        select oid from pg_catalog.pg_database where datname = current_database()
    )
    and locks.pid is distinct from %s
    and class.relname = any (%s)
    and class.relnamespace <> 'pg_catalog'::regnamespace
group by 1
order by 1
"""  # noqa: S608 - own text

# Whether a session holds a lock that keeps others from writing a table or view that they can
# see: what its own transaction creates, this one's snapshot does not show.
_LOCKS_OTHERS_OUT = """
select exists (
    select 1
    from pg_catalog.pg_locks as locks
    join pg_catalog.pg_class as class on class.oid = locks.relation
    where
        locks.pid = %s
        and locks.granted
        and class.relkind in ('r', 'p', 'm', 'v')
        and locks.mode in (
            'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'
        )
)
"""


class Observer:
    """Watches a connection over one of its own; a thread asks again and again who blocks it.

    Args:
        url: Where to connect.

    Raises:
        SourceError: The database cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self._pid = 0
        self._connection = open_connection(url, "sselfie migrate observer")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._names: list[str] = []
        # The statements announced so far, and the last of them that was seen waiting, for whom.
        self._number = 0
        self._seen: tuple[int, str] = (0, "")

    def __enter__(self) -> "Observer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._connection.close()

    def watch(self, pid: int) -> None:
        """Turn to the connection that the server process ``pid`` serves."""
        self._pid = pid

    def announce(self, names: Iterable[str]) -> None:
        """Take note of the names in the statement that is about to be sent."""
        self._names = list(names)
        self._number += 1

    def describe_blockers(self) -> str:
        """Return who blocked the statement announced last, or what was seen instead.

        A wait can be over before anybody looked. Then the answer is who holds a lock on what the
        statement names, or who blocked an earlier statement, and says which.
        """
        number, seen = self._seen
        if seen and number == self._number:
            return f"blocked by {seen}"
        unknown = "its blocker was not observed"
        try:
            rows = self._connection.execute(_HOLDERS, [self._pid, self._names]).fetchall()
        except psycopg.Error as error:
            return f"{unknown} ({type(error).__name__})"
        if rows:
            held = "; ".join(f"{session} [{locks}]" for session, locks in rows)
            return f"{unknown}; now locks are held by {held}"
        return f"{unknown}; seen before: {seen}" if seen else unknown

    def sees_others_locked_out(self) -> bool:
        """Say whether the connection keeps others from writing or reading a table or view."""
        try:
            row = self._connection.execute(_LOCKS_OTHERS_OUT, [self._pid]).fetchone()
        except psycopg.Error:
            return True  # nothing is known: take care
        return row is not None and row[0]

    def _poll(self) -> None:
        while True:
            number = self._number
            try:
                rows = self._connection.execute(_BLOCKERS, [self._pid]).fetchall()
            except psycopg.Error:
                return  # whoever asks about the blocker meets the same error, and reports it
            if rows:
                self._seen = (number, "; ".join(session for (session,) in rows))
            if self._stop.wait(POLL_SECONDS):
                return
