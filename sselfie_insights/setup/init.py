"""The first step: what a person says of their database, in ``sselfie.toml``; secrets elsewhere."""

import json
import os
import re
from pathlib import Path

from psycopg.conninfo import make_conninfo

from sselfie_insights.errors import UsageError
from sselfie_insights.files import real_path, storage_error, write_file
from sselfie_insights.postgres import SECRET_PARAMETERS, is_url, parse_url
from sselfie_insights.settings import CONFIG_FILE, Settings

_HEADER = """\
# Settings of SSELFIE Insights. 'sselfie config' shows all of them; the environment beats this file.
# No password stands here: it belongs in ~/.pgpass, or in the environment with the whole URL.
"""


def refuse_existing(path: Path = CONFIG_FILE) -> None:
    """Refuse to write over settings.

    Raises:
        UsageError: ``path`` is there already.
    """
    if path.exists():
        raise UsageError(
            f"{path} is here already", remedy="edit it, or move it away; see 'sselfie config'"
        )


def write_config(settings: Settings, path: Path = CONFIG_FILE) -> None:
    """Write the settings of a first run, readable by their owner alone, without a secret.

    Raises:
        UsageError: ``path`` is there already, or cannot be written.
    """
    values = {
        "database_url": remove_password(settings.require_database_url()),
        "warehouse": str(settings.warehouse),
        "timezone": settings.timezone,
        "source_schemas": list(settings.source_schemas),
    }
    # A basic string and a list of them are the same in JSON and in TOML.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    refuse_existing(path)
    write_file(path, (_HEADER + "\n".join(lines) + "\n").encode())


def find_password(url: str) -> str:
    """Return the password in the connection string ``url``, empty where it holds none.

    Raises:
        UsageError: It cannot be understood.
    """
    return parse_url(url).get("password", "")


def remove_password(url: str) -> str:
    """Return the connection string ``url`` without its secrets, as a URL where it was one.

    Raises:
        UsageError: It cannot be understood.
    """
    parts = parse_url(url)
    shown = {name: value for name, value in parts.items() if name not in SECRET_PARAMETERS}
    if shown == parts:
        return url
    shorter = re.sub("^([a-z]+://[^:@/?]*):[^@]*@", r"\1@", url)
    if is_url(url) and parse_url(shorter) == shown:
        return shorter
    return make_conninfo(**shown)


def pgpass_file() -> Path:
    """Return the file in which PostgreSQL's clients look for passwords."""
    return Path(os.environ.get("PGPASSFILE") or Path.home() / ".pgpass")


def keep_password(url: str, password: str) -> None:
    """Put the password of ``url`` first in ``pgpass_file``, of which the first match counts.

    Raises:
        UsageError: The file cannot be read or written.
    """
    path = real_path(pgpass_file())
    try:
        before = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise storage_error(f"{path} cannot be read", error) from None
    write_file(path, f"{pgpass_line(url, password)}\n".encode() + before)


def pgpass_line(url: str, password: str) -> str:
    """Return the line of ``pgpass_file`` that gives ``url`` its password."""
    parameters = parse_url(url)
    parts = [
        parameters.get(name) or default
        for name, default in (("host", "*"), ("port", "5432"), ("dbname", "*"), ("user", "*"))
    ]
    return ":".join(part.replace("\\", r"\\").replace(":", r"\:") for part in [*parts, password])
