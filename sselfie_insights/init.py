"""The first step: keep what a person says of their database in ``sselfie.toml``, but no secret."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.errors import UsageError
from sselfie_insights.postgres import describe_target
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
    """Write the settings of a first run, readable by their owner alone, without the password.

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
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        refuse_existing(path)
        raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_HEADER + "\n".join(lines) + "\n")


def has_password(url: str) -> bool:
    """Say whether the connection string ``url`` holds a password.

    Raises:
        UsageError: It cannot be understood.
    """
    describe_target(url)
    return "password" in conninfo_to_dict(url)


def add_password(url: str, password: str) -> str:
    """Return the connection string ``url`` with ``password``."""
    return make_conninfo(url, password=password)


def remove_password(url: str) -> str:
    """Return the connection string ``url`` without its password, as a URL where it was one."""
    if not has_password(url):
        return url
    parameters = conninfo_to_dict(url)
    del parameters["password"]
    parts = urlsplit(url)
    user, _, rest = parts.netloc.rpartition("@")
    shorter = urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{rest}"))
    if parts.scheme and conninfo_to_dict(shorter) == parameters:
        return shorter
    return make_conninfo(**{name: str(value) for name, value in parameters.items()})


def pgpass_line(url: str) -> str:
    """Return the line of ``~/.pgpass`` that fits ``url``, the password to be filled in."""
    parameters = conninfo_to_dict(url)
    parts = [
        str(parameters.get(name) or default)
        for name, default in (("host", "*"), ("port", "5432"), ("dbname", "*"), ("user", "*"))
    ]
    escaped = [part.replace("\\", r"\\").replace(":", r"\:") for part in parts]
    return ":".join([*escaped, "PASSWORD"])
