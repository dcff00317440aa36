"""What the tests of migrations ask a database, and how they hold one up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from sselfie_insights.migrate import Limits
from tests.support.waiting import wait_for_row

ONE_ATTEMPT = Limits(lock_timeout_ms=50, deadline_s=0)
"""A migration that meets a lock is given up at once."""

PATIENT = Limits(lock_timeout_ms=600_000, statement_timeout_s=600, deadline_s=600, wait_s=600)
"""No timeout of ours ends anything."""


def keep(notes: list[str]) -> Callable[[str], None]:
    """Keep what is noted, but for where the files were judged."""
    return lambda note: (
        None if note.startswith(("judged on", "the database has no tables")) else notes.append(note)
    )


def rows(url: str, query: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def history(url: str) -> list[tuple]:
    return rows(
        url, "select version, state, statements_done from sselfie_migrations.history order by 1"
    )


def tables(url: str) -> list[str]:
    found = rows(url, "select tablename from pg_tables where schemaname = 'public'")
    return sorted(name for (name,) in found)


GATE = "select pg_advisory_xact_lock(7)"
"""A statement that waits for `closed_gate` to open."""


@contextmanager
def closed_gate(url: str) -> Iterator[None]:
    """Keep whoever says ``GATE`` waiting while the block runs."""
    with psycopg.connect(url) as keeper:
        keeper.execute(GATE)
        yield


def wait_for_waiter(url: str, kind: str, number: int = 1) -> None:
    """Wait until ``number`` sessions wait for a lock of ``kind``: 'advisory', 'relation' …"""
    wait_for_row(
        url,
        f"select from pg_stat_activity where wait_event = '{kind}' and wait_event_type = 'Lock'"
        f" and datname = current_database() having count(*) >= {number}",
    )
