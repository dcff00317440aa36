"""See from beside what a connection does to others: who blocks it, and whether it blocks them."""

import threading
from collections.abc import Iterable
from pathlib import Path

import psycopg

from sselfie_insights.migrate.judging import STRONG
from sselfie_insights.migrate.session import open_connection

POLL_SECONDS = 0.03
"""Often enough to look several times within a lock timeout of 200 ms."""

_SESSIONS = Path(__file__).with_name("sessions.sql").read_text(encoding="utf-8").encode()

_LOCKS_OTHERS_OUT = b"""
select exists (
    select from pg_catalog.pg_locks as locks
    join pg_catalog.pg_class as class on class.oid = locks.relation
    where
        locks.pid = %s and locks.granted and locks.mode = any (%s)
        and class.relkind in ('r', 'p', 'm', 'v')
)
"""
"""Whether a session holds one of these locks on a table or view that others can see: what its own
transaction creates, another's snapshot does not show."""


class Observer:
    """Watches a connection over one of its own; a thread asks again and again who blocks it.

    Args:
        url: Where to connect.

    Raises:
        SourceError: The database cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self._pid = 0
        self._connection = open_connection(url, application_name="sselfie migrate observer")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._names: list[str] = []
        # The statements announced so far, and the last of them that was seen waiting, for whom.
        self._number = 0
        self._seen: tuple[int, str] = (0, "")

    def __enter__(self) -> "Observer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
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
            rows = self._find_sessions(self._names)
        except psycopg.Error as error:
            return f"{unknown} ({type(error).__name__})"
        if rows:
            held = "; ".join(f"{session} [{locks}]" for session, locks in rows)
            return f"{unknown}; now locks are held by {held}"
        return f"{unknown}; seen before: {seen}" if seen else unknown

    def sees_others_locked_out(self) -> bool:
        """Say whether the connection keeps others from writing or reading a table or view."""
        try:
            row = self._connection.execute(_LOCKS_OTHERS_OUT, [self._pid, [*STRONG]]).fetchone()
        except psycopg.Error:
            return True  # nothing is known: take care
        return row is not None and row[0]

    def _find_sessions(self, names: list[str] | None) -> list[tuple[str, str]]:
        """Return who locks relations of these names, and how; or else who blocks the connection."""
        parameters = {"pid": self._pid, "names": names}
        return self._connection.execute(_SESSIONS, parameters).fetchall()

    def _poll(self) -> None:
        while True:
            number = self._number
            try:
                rows = self._find_sessions(None)
            except psycopg.Error:
                return  # whoever asks about the blocker meets the same error, and reports it
            if rows:
                self._seen = (number, "; ".join(session for session, _ in rows))
            if self._stop.wait(POLL_SECONDS):
                return
