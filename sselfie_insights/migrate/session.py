"""The connections that the migration commands work over."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg

from sselfie_insights.errors import MigrationError, SourceError, first_line
from sselfie_insights.postgres import (
    Connection,
    advisory_lock,
    connect_guarded,
    describe_target,
    refuse_pooler,
)

open_connection = partial(
    connect_guarded, application_name="sselfie migrate", settings={"lock_timeout": "5s"}
)
"""Opens a connection that never waits long to look at a table; a file's own statements have their
own timeouts."""


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
