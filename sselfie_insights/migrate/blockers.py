"""See who keeps a connection waiting, from beside it."""

import threading
from types import TracebackType

import psycopg

from sselfie_insights.errors import SourceError
from sselfie_insights.postgres import Connection, connect

_POLL_SECONDS = 0.03

# One row per session that the watched one waits for.
_BLOCKERS = """
select
    activity.pid,
    activity.application_name,
    activity.usename,
    activity.state,
    date_trunc('second', clock_timestamp() - activity.xact_start)::text,
    left(regexp_replace(activity.query, '\\s+', ' ', 'g'), 100)
from pg_catalog.pg_stat_activity as activity
where activity.pid = any (pg_catalog.pg_blocking_pids(%s))
order by activity.xact_start
"""


class BlockerWatch:
    """Remembers who last blocked a connection; polls over a connection of its own.

    Args:
        url: Where to connect.
        pid: The server process of the connection to watch.
    """

    def __init__(self, url: str, pid: int) -> None:
        self._url = url
        self._pid = pid
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen: list[str] = []
        self._failure = ""

    def __enter__(self) -> "BlockerWatch":
        try:
            connection = connect(
                self._url, autocommit=True, application_name="sselfie migrate watch"
            )
        except SourceError as error:
            self._failure = f"unknown sessions ({error.message})"
            return self
        self._thread = threading.Thread(target=self._poll, args=(connection,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def forget(self) -> None:
        """Begin anew, before another attempt."""
        self._seen = []

    def describe(self) -> str:
        """Return who blocked last: process, application, role, state, age and query."""
        return "; ".join(self._seen) or self._failure or "a session that has ended since"

    def _poll(self, connection: Connection) -> None:
        with connection:
            while not self._stop.wait(_POLL_SECONDS):
                try:
                    rows = connection.execute(_BLOCKERS, [self._pid]).fetchall()
                except psycopg.Error as error:
                    self._failure = f"unknown sessions ({type(error).__name__})"
                    return
                if rows:
                    self._seen = [
                        f"process {pid} ({application or 'unnamed'}, role {role}, {state}, "
                        f"transaction open for {age}): {query}"
                        for pid, application, role, state, age, query in rows
                    ]
