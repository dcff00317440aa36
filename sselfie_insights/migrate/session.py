"""The connections that the migration commands work over."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from sselfie_insights.errors import MigrationError, SourceError
from sselfie_insights.postgres import Connection, connect_guarded, describe_target, refuse_pooler

_LOCK_TIMEOUT = {"lock_timeout": "5s"}
"""How long a look at a table may wait; a file's own statements have timeouts of their own."""


def open_connection(url: str, application_name: str) -> Connection:
    """Open an autocommit connection to ``url`` that never waits long to look at a table.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: The database cannot be reached.
    """
    return connect_guarded(url, application_name=application_name, settings=_LOCK_TIMEOUT)


def open_file_session(url: str) -> Connection:
    """Open the connection that one migration file runs over, under its role's own search path.

    Raises:
        SourceError: The database cannot be reached.
    """
    return connect_guarded(
        url, application_name="sselfie migrate", settings=_LOCK_TIMEOUT, own_search_path=True
    )


@contextmanager
def session(url: str) -> Iterator[Connection]:
    """Yield the connection that a command works over.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: The database cannot be reached, is pooled, or cannot be read.
    """
    refuse_pooler(url)
    with open_connection(url, "sselfie migrate") as connection:
        refuse_pooler(url, connection)
        try:
            yield connection
        except psycopg.Error as error:
            reason = error.diag.message_primary or str(error).splitlines()[0]
            raise SourceError(
                f"{describe_target(url)}: {reason}",
                remedy="look at it as a role that may, when nobody holds its tables",
            ) from None


def refuse_standby(connection: Connection, url: str) -> None:
    """Raise if the server is a standby.

    Raises:
        MigrationError: It is.
    """
    row = connection.execute("select pg_catalog.pg_is_in_recovery()").fetchone()
    if row and row[0]:
        raise MigrationError(
            f"{describe_target(url)} is a standby", remedy="connect to the primary server"
        )
