"""The record of what was applied, kept in the database it describes, in a schema of its own."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from psycopg import errors

from sselfie_insights import __version__
from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate.catalog import Catalog, Definition, Identity, fingerprint
from sselfie_insights.migrate.files import Migration
from sselfie_insights.postgres import Connection

SCHEMA = "sselfie_migrations"
TABLES = ("history", "catalog")

State = Literal["pending", "applied", "baseline", "running", "failed"]

_CREATE = Path(__file__).with_name("history.sql").read_text(encoding="utf-8")
_RECORD = Path(__file__).with_name("record.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Record:
    """One migration as the history has it.

    Attributes:
        version: The migration's number.
        name: Its name when it was applied.
        sha256: The digest of its text when it was applied.
        state: ``applied``; ``baseline`` when it was adopted; ``running`` or ``failed`` when a
            no-transaction file stopped half-way; ``pending`` when there is no row of it.
        statement_count: Its statements.
        statements_done: How many of them are done.
        done_sha256: The digest of those.
        finished_at: When it was finished.
        server_version: PostgreSQL's number, e.g. 150018.
        error: What stopped it.
    """

    version: int
    name: str
    sha256: str
    state: State
    statement_count: int
    statements_done: int = 0
    done_sha256: str = ""
    finished_at: datetime | None = None
    server_version: int = 0
    error: str | None = None

    @property
    def label(self) -> str:
        """The number and name as people say it."""
        return f"{self.version:04d}_{self.name}"

    @property
    def detail(self) -> str:
        """How far it came if it was begun and is not done, and what stopped it."""
        if self.state not in ("running", "failed"):
            return ""
        came = f"{self.statements_done} of {self.statement_count} statements done"
        return f"{came}; {self.error}" if self.error else came

    @property
    def is_done(self) -> bool:
        """Whether nothing of it is left to do."""
        return self.state in ("applied", "baseline")


def create(connection: Connection) -> None:
    """Create the history's schema and tables where they are missing.

    Raises:
        MigrationError: The role may not.
    """
    if _exists(connection):
        return
    try:
        with connection.transaction():
            connection.execute(_CREATE.encode())
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction) as error:
        raise MigrationError(
            f"the history of migrations cannot be created: {error.diag.message_primary}",
            remedy=f"connect as a role that may create the schema {SCHEMA}",
        ) from None


def read(connection: Connection) -> list[Record]:
    """Return the history in order of version; empty where there is none."""
    if not _exists(connection):
        return []
    columns = ", ".join(Record.__dataclass_fields__)
    rows = connection.execute(
        f"select {columns} from {SCHEMA}.history order by version"  # noqa: S608 - own names
    )
    return [Record(*row) for row in rows]


def read_stored_catalog(connection: Connection) -> Catalog:
    """Return the catalog as the last migration left it; empty where there is no history."""
    if not _exists(connection):
        return {}
    rows = connection.execute(
        "select kind, identity, relation, definition from sselfie_migrations.catalog"
    )
    return {Identity(kind, name): Definition(text, relation) for kind, name, relation, text in rows}


def record(
    connection: Connection,
    migration: Migration,
    done: int,
    state: State = "running",
    *,
    error: str | None = None,
    catalog: Catalog | None = None,
) -> None:
    """Write how far ``migration`` has come.

    Args:
        connection: Where to; it writes as the role that connected, whatever role a file has set.
        migration: The migration.
        done: How many of its statements are done.
        state: Its state.
        error: What stopped it, if it failed.
        catalog: What it left behind, if it is finished.
    """
    row = {
        "version": migration.version,
        "name": migration.name,
        "sha256": migration.sha256,
        "state": state,
        "statement_count": len(migration.statements),
        "statements_done": done,
        "done_sha256": migration.digests[done],
        "toolkit_version": __version__,
        "server_version": connection.info.server_version,
        "ignored": json.dumps([vars(ignore) for ignore in migration.ignores]),
        "catalog_fingerprint": None if catalog is None else fingerprint(catalog),
        "error": error,
    }
    with connection.transaction():
        connection.execute("set local session authorization default")
        connection.execute(_RECORD.encode(), row)
        if catalog is not None:
            connection.execute("delete from sselfie_migrations.catalog")
            with connection.cursor() as cursor:
                cursor.executemany(
                    "insert into sselfie_migrations.catalog (kind, identity, relation, definition)"
                    " values (%s, %s, %s, %s)",
                    [(*name, found.relation, found.text) for name, found in catalog.items()],
                )


def _exists(connection: Connection) -> bool:
    row = connection.execute("select to_regclass('sselfie_migrations.history')").fetchone()
    return row is not None and row[0] is not None
