"""Connect to Postgres, with errors that name the target and the remedy, and never a secret."""

import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from sselfie_insights.errors import LockedError, SourceError, UsageError

Connection = psycopg.Connection[tuple[Any, ...]]

ADVISORY_LOCK = 0x5353454C46494531
"""Key of the lock that `migrate apply` holds alone and every `sync` shares ("SSELFIE1")."""

NEUTRAL = {
    # Nobody's function or operator comes before PostgreSQL's own.
    "search_path": "pg_catalog, pg_temp",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "standard_conforming_strings": "on",
    "row_security": "on",
    "quote_all_identifiers": "off",
}
"""What a role, a database or a server may have set otherwise, and our sessions rely on."""

FOREIGN_PARAMETERS = frozenset(
    {"schema", "pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "sslaccept",
     "sslidentity", "statement_cache_size"}
)  # fmt: skip
"""What Prisma writes into a URL, and libpq refuses."""

LOCAL_PARAMETERS = frozenset(
    {"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
     "tcp_user_timeout", "fallback_application_name", "client_encoding", "replication"}
)  # fmt: skip
"""What another program that connects can do without."""

TRANSACTION_TIMEOUT_SINCE = 170000
"""The version from which on there is one; an older server refuses a connection that names it."""

CONNECT_TIMEOUT_SECONDS = 15
"""Long enough for a suspended Neon compute to wake up."""

FULL_TYPE_NAMES = {
    "varchar": "character varying",
    "char": "character",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "decimal": "numeric",
    "bool": "boolean",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "timetz": "time with time zone",
    "time": "time without time zone",
    "varbit": "bit varying",
}
"""PostgreSQL's short names of types, and the names that its catalog gives back."""

TOO_FEW_CONNECTIONS = (
    (
        "too many connections for",
        "raise the connection limit of the role or database: a sync needs up to three",
    ),
    ("too many clients", "close other connections, or wait, and run it again"),
    ("remaining connection slots", "close other connections, or wait, and run it again"),
)
"""What a server says that has no connection left, to us or to DuckDB, and what helps."""

# libpq gives no SQLSTATE for a connection that failed, only its text.
_REMEDIES = (
    ("root certificate file", "put the authority's certificate there, or write sslrootcert=system"),
    (
        "unsupported startup parameter",
        "this is a pooler (PgBouncer): use the server's own host and port",
    ),
    *TOO_FEW_CONNECTIONS,
    ("password authentication failed", "check the user and the password (~/.pgpass works too)"),
    ("no password supplied", "put the password in ~/.pgpass or in the URL"),
    ("no pg_hba.conf entry", "allow this machine, or sslmode=require, on the server"),
    ("resolve host", "check the host name in the URL"),
    ("Connection refused", "check the host and the port, and that the server is running"),
    ("No such file or directory", "check the socket directory, and that the server is running"),
    ("timeout expired", "check the host, the port and the firewall"),
    ("starting up", "wait a moment and run it again"),
    ("shutting down", "wait a moment and run it again"),
    ("SSL", "check sslmode and the server's certificate"),
    ("does not exist", "check the names of the role and the database in the URL"),
)


SECRET_PARAMETERS = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
)
"""What libpq takes that nobody else may see."""


def parse_url(url: str) -> dict[str, str]:
    """Return the parts of a connection string; nobody else reads one.

    Raises:
        UsageError: It cannot be understood. Nothing of it is repeated: a password with a character
            that is not percent-encoded can be in any part.
    """
    _refuse_misread(url)
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.Error:
        raise _not_understood() from None
    port = parts.get("port", "")
    if "@" in parts.get("host", "") + parts.get("dbname", "") or (
        port and not port.replace(",", "").isdigit()
    ):
        raise _not_understood()
    return parts


def _refuse_misread(url: str) -> None:
    """Refuse a URL with an '@' behind its authority, or a second one: libpq misreads it."""
    authority = re.split("[/?#]", url.partition("://")[2])[0]
    if is_url(url) and (url.count("@") > 1 or url.count("@") != authority.count("@")):
        raise _not_understood()


def _not_understood() -> UsageError:
    return UsageError(
        "the database URL cannot be understood",
        remedy="write postgresql://user@host:5432/database; percent-encode '%', '@', '/', '?', '#'"
        " and ':' inside a name",
    )


def is_url(url: str) -> bool:
    """Say whether a connection string is a URL, and not names with their values."""
    return url.startswith(("postgresql://", "postgres://"))


def redact(parts: Mapping[str, str], text: str) -> str:
    """Return ``text`` without the secrets of a connection string, however they are written."""
    for name in SECRET_PARAMETERS & parts.keys():
        value = parts[name]
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        forms = {value, escaped, escaped.replace("'", "''"), quote(value, safe=""), quote(value)}
        for form in sorted(forms - {""}, key=len, reverse=True):
            text = text.replace(form, "***")
    return text


def connect(url: str, *, autocommit: bool = False, **options: Any) -> Connection:
    """Open a connection to ``url``; ``options`` are further libpq parameters.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: The server refuses the connection, or cannot be reached.
    """
    defaults: dict[str, Any] = {
        "application_name": "sselfie",
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        # Else psycopg returns bytes for the text of a database in SQL_ASCII.
        "client_encoding": "utf8",
    }
    given = parse_url(url)
    try:
        return psycopg.connect(autocommit=autocommit, **(defaults | given | options))
    except psycopg.Error as error:
        raise _explain(error, given) from None


def connect_guarded(
    url: str,
    *,
    application_name: str,
    settings: Mapping[str, str] = MappingProxyType({}),
    own_search_path: bool = False,
) -> Connection:
    """Open an autocommit connection on which no setting of the role or the database stands.

    Args:
        url: The database; options that the user wrote in it win.
        application_name: How the connection is called on the server.
        settings: What is set besides.
        own_search_path: Whether names are looked for where the role looks for them.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: The server refuses the connection, or cannot be reached.
    """
    chosen = {**NEUTRAL, **settings}
    if own_search_path:
        del chosen["search_path"]
    given = parse_url(url).get("options", "")
    connection = connect(
        url,
        autocommit=True,
        application_name=application_name,
        options=f"{as_options(chosen)} {given}".strip(),
    )
    if connection.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
        connection.execute("set transaction_timeout = 0")
    return connection


def neutral_settings(server_version: int = 0) -> dict[str, str]:
    """Return ``NEUTRAL`` with what a server of that version knows besides; 0 if it is unknown."""
    if server_version < TRANSACTION_TIMEOUT_SINCE:
        return dict(NEUTRAL)
    return NEUTRAL | {"transaction_timeout": "0"}


def as_options(settings: Mapping[str, str]) -> str:
    """Return ``settings`` as libpq's parameter ``options`` takes them."""
    return " ".join(
        f"-c {name}={value}".replace("\\", "\\\\").replace(" ", "\\ ").replace("-c\\ ", "-c ", 1)
        for name, value in settings.items()
    )


def as_environment(parts: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that give a client program the parts of a connection string.

    Command lines are for everyone on the machine to read; the environment is not.

    Raises:
        UsageError: There is no variable for one of them.
    """
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in psycopg.pq.Conninfo.get_defaults()
        if option.envvar
    }
    lost = sorted(parts.keys() - variables.keys() - LOCAL_PARAMETERS)
    if lost:
        raise UsageError(
            f"pg_dump cannot be given {', '.join(lost)} of the database URL",
            remedy="leave it out of the URL for this command",
        )
    return {variables[name]: value for name, value in parts.items() if name in variables}


@contextmanager
def advisory_lock(
    connection: Connection, *, shared: bool = False, wait_seconds: float = 0
) -> Iterator[None]:
    """Hold the lock between migrations (alone) and syncs (shared) while the block runs.

    The lock is polled: who waits inside ``pg_advisory_lock`` holds a snapshot, and a
    ``create index concurrently`` of the holder would wait for that for ever. ``connection`` must
    be in autocommit, for the same reason.

    Raises:
        LockedError: Another run still holds it after ``wait_seconds``.
    """
    mode = "_shared" if shared else ""
    deadline = time.monotonic() + wait_seconds
    while not _first(connection, f"select pg_try_advisory_lock{mode}(%s)", [ADVISORY_LOCK]):
        if time.monotonic() >= deadline:
            raise LockedError(
                f"another run holds the database's lock: {_describe_holders(connection)}",
                remedy="wait until it is done and run this again",
            )
        time.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - jitter, no secret
    try:
        yield
    finally:
        if not connection.closed:
            _first(connection, f"select pg_advisory_unlock{mode}(%s)", [ADVISORY_LOCK])


def _describe_holders(connection: Connection) -> str:
    holders = connection.execute(
        """
        select
            activity.pid,
            activity.application_name,
            activity.usename,
            date_trunc('second', clock_timestamp() - activity.backend_start)::text
        from pg_catalog.pg_locks as locks
        join pg_catalog.pg_stat_activity as activity on activity.pid = locks.pid
        where
            locks.locktype = 'advisory'
            and locks.granted
            and locks.classid = %s
            and locks.objid = %s
            and locks.database = (
                select oid from pg_catalog.pg_database where datname = current_database()
            )
        """,
        [ADVISORY_LOCK >> 32, ADVISORY_LOCK & 0xFFFFFFFF],
    ).fetchall()
    described = [
        f"process {pid} ({name or 'unnamed'}, role {role}, connected for {age})"
        for pid, name, role, age in holders
    ]
    return "; ".join(described) or "it has just ended"


def _first(connection: Connection, query: LiteralString, parameters: list[Any]) -> Any:
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


def drop_foreign_parameters(url: str) -> tuple[str, tuple[str, ...]]:
    """Return ``url`` without what only other programs understand (Prisma's), and what that was.

    A string that is no URL is left as it is.

    Raises:
        UsageError: The URL cannot be understood.
    """
    _refuse_misread(url)
    head, mark, query = url.partition("?")
    if "://" not in head or not mark:
        return url, ()
    parts = [part for part in query.split("&") if part]
    foreign = tuple(part for part in parts if part.partition("=")[0] in FOREIGN_PARAMETERS)
    kept = "&".join(part for part in parts if part not in foreign)
    return (f"{head}?{kept}" if kept else head), foreign


def describe_target(url: str) -> str:
    """Return ``host:port/database`` of a connection string: nothing that is secret.

    Raises:
        UsageError: The URL cannot be understood.
    """
    return _write_target(parse_url(url))


def _write_target(parts: Mapping[str, str]) -> str:
    host = parts.get("host") or parts.get("hostaddr") or ""
    port, database = parts.get("port", ""), parts.get("dbname", "")
    where = (host or "the default server") + (f":{port}" if port else "")
    return f"{where}/{database}" if database else where


def refuse_pooler(url: str, connection: Connection | None = None) -> None:
    """Refuse Neon's pooler, which keeps no snapshot and no lock from one statement to the next.

    Args:
        url: The database.
        connection: One that is open, whose host may come from PGHOST or from a service.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: It is the pooler.
    """
    hosts = connection.info.host if connection else parse_url(url).get("host", "")
    for host in hosts.split(","):
        label, _, domain = host.partition(".")
        if label.endswith("-pooler"):
            raise SourceError(
                f"{describe_target(url)} is a pooled connection: it keeps no snapshot and no lock",
                remedy=f"use the direct host {label.removesuffix('-pooler')}.{domain}",
            )


def _explain(error: psycopg.Error, given: Mapping[str, str]) -> SourceError:
    text = str(error)
    fatal = [line for line in text.splitlines() if "FATAL:" in line or "failed: " in line]
    reason = (fatal or text.splitlines() or ["no reason given"])[0]
    for mark in ("failed: ", "FATAL:"):
        reason = reason.rpartition(mark)[2].strip()
    remedies = (remedy for phrase, remedy in _REMEDIES if phrase in text)
    return SourceError(
        f"cannot connect to {_write_target(given)}: {redact(given, reason)}",
        remedy=next(remedies, "check SSELFIE_DATABASE_URL"),
    )
