"""The connection that the migration commands work over."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from sselfie_insights.errors import MigrationError, SourceError
from sselfie_insights.postgres import Connection, connect, describe_target, refuse_pooler


def open_connection(url: str, application_name: str) -> Connection:
    """Open an autocommit connection to ``url`` that never waits long to look at a table.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: The database cannot be reached.
    """
    describe_target(url)  # refuses a URL that libpq would quote in its error
    # An option of the connection outlasts the RESET ALL that follows each migration.
    options = f"-c lock_timeout=5s {conninfo_to_dict(url).get('options') or ''}"
    return connect(url, autocommit=True, application_name=application_name, options=options)


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
    row = connection.execute("select pg_is_in_recovery()").fetchone()
    if row and row[0]:
        raise MigrationError(
            f"{describe_target(url)} is a standby", remedy="connect to the primary server"
        )
