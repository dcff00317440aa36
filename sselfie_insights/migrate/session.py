"""The connections that the migration commands work over."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from sselfie_insights.errors import MigrationError, SourceError, first_line
from sselfie_insights.postgres import (
    Connection,
    advisory_lock,
    connect_guarded,
    describe_target,
    refuse_pooler,
)

_LOCK_TIMEOUT = {"lock_timeout": "5s"}
"""How long a look at a table may wait; a file's own statements have timeouts of their own."""


def open_connection(
    url: str, application_name: str = "sselfie migrate", *, own_search_path: bool = False
) -> Connection:
    """Open an autocommit connection to ``url`` that never waits long to look at a table.

    With ``own_search_path`` names are looked for where its role looks for them, as in a file.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: The database cannot be reached.
    """
    return connect_guarded(
        url,
        application_name=application_name,
        settings=_LOCK_TIMEOUT,
        own_search_path=own_search_path,
    )


@contextmanager
def session(url: str) -> Iterator[Connection]:
    """Yield the connection that a command works over.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: The database cannot be reached, is pooled, or cannot be read.
    """
    refuse_pooler(url)
    with open_connection(url) as connection:
        refuse_pooler(url, connection)
        try:
            yield connection
        except psycopg.Error as error:
            raise SourceError(
                f"{describe_target(url)}: {first_line(error)}",
                remedy="look at it as a role that may, when nobody holds its tables",
            ) from None


@contextmanager
def writing_session(url: str, wait_seconds: float) -> Iterator[Connection]:
    """Yield the connection of a command that changes the database, alone at its work.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: The database cannot be reached, is pooled, or cannot be read.
        LockedError: Another run is still at work after ``wait_seconds``.
        MigrationError: The server is a standby.
    """
    with session(url) as connection, advisory_lock(connection, wait_seconds=wait_seconds):
        row = connection.execute("select pg_catalog.pg_is_in_recovery()").fetchone()
        if row and row[0]:
            raise MigrationError(
                f"{describe_target(url)} is a standby", remedy="connect to the primary server"
            )
        yield connection
