"""Connect to Postgres, with errors that name the target and the remedy, and never a secret."""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from sselfie_insights.errors import SourceError, UsageError

CONNECT_TIMEOUT_SECONDS = 15
"""Long enough for a suspended Neon compute to wake up."""

# libpq gives no SQLSTATE for a connection that failed, only its text.
_REMEDIES = (
    ("password authentication failed", "check the user and the password (~/.pgpass works too)"),
    ("no password supplied", "put the password in ~/.pgpass or in the URL"),
    ("no pg_hba.conf entry", "allow this machine, or sslmode=require, on the server"),
    ("resolve host", "check the host name in the URL"),
    ("Connection refused", "check the host and the port, and that the server is running"),
    ("No such file or directory", "check the socket directory, and that the server is running"),
    ("timeout expired", "check the host, the port and the firewall"),
    ("starting up", "wait a moment and run it again"),
    ("shutting down", "wait a moment and run it again"),
    ("too many clients", "close other connections, or wait, and run it again"),
    ("remaining connection slots", "close other connections, or wait, and run it again"),
    ("SSL", "check sslmode and the server's certificate"),
    ("does not exist", "check the names of the role and the database in the URL"),
)


def connect(
    url: str, *, autocommit: bool = False, **options: Any
) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection to ``url``; ``options`` are further libpq parameters.

    Raises:
        UsageError: The URL cannot be understood.
        SourceError: The server refuses the connection, or cannot be reached.
    """
    target = describe_target(url)
    defaults: dict[str, Any] = {
        "application_name": "sselfie",
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    }
    given = conninfo_to_dict(url)
    parameters = {name: value for name, value in defaults.items() if name not in given} | options
    try:
        return psycopg.connect(url, autocommit=autocommit, **parameters)
    except psycopg.OperationalError as error:
        raise _explain(error, target, str(given.get("password") or "")) from None


def describe_target(url: str) -> str:
    """Return ``host:port/database`` of a connection string: nothing that is secret.

    Raises:
        UsageError: The URL cannot be understood.
    """
    remedy = "write postgresql://user@host:5432/database; percent-encode '@', '/' and ':' in names"
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # libpq's own message quotes the part it stumbled over, which can be a password.
        raise UsageError("the database URL cannot be understood", remedy=remedy) from None
    host = str(parts.get("host") or parts.get("hostaddr") or "")
    port = str(parts.get("port") or "")
    database = str(parts.get("dbname") or "")
    if "@" in host + database or (port and not port.replace(",", "").isdigit()):
        # A password with '@' or '/' that is not percent-encoded ends up in these parts.
        raise UsageError("the database URL cannot be understood", remedy=remedy)
    where = (host or "the default server") + (f":{port}" if port else "")
    return f"{where}/{database}" if database else where


def _explain(error: psycopg.OperationalError, target: str, password: str) -> SourceError:
    text = str(error)
    told = [line for line in text.splitlines() if "FATAL:" in line or "failed: " in line]
    reason = (told or text.splitlines() or ["no reason given"])[0]
    for mark in ("failed: ", "FATAL:"):
        reason = reason.rpartition(mark)[2].strip()
    if password:
        reason = reason.replace(password, "***")
    remedies = (remedy for phrase, remedy in _REMEDIES if phrase in text)
    return SourceError(
        f"cannot connect to {target}: {reason}",
        remedy=next(remedies, "check SSELFIE_DATABASE_URL"),
    )
