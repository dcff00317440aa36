"""The record of what was applied, kept in the database it describes, in a schema of its own."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sselfie_insights import __version__
from sselfie_insights.migrate.catalog import Catalog, Definition, Identity, fingerprint
from sselfie_insights.migrate.files import Migration
from sselfie_insights.postgres import Connection

SCHEMA = "sselfie_migrations"
TABLES = ("history", "catalog")

State = Literal["applied", "baseline", "running", "failed"]

_CREATE = Path(__file__).with_name("history.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Record:
    """One row of the history.

    Attributes:
        version: The migration's number.
        name: Its name when it was applied.
        sha256: The digest of its text when it was applied.
        state: ``applied``; ``baseline`` when it was adopted; ``running`` or ``failed`` when a
            no-transaction file stopped half-way.
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
    statements_done: int
    done_sha256: str
    finished_at: datetime | None
    server_version: int
    error: str | None

    @property
    def label(self) -> str:
        """The number and name as people say it."""
        return f"{self.version:04d}_{self.name}"

    @property
    def is_done(self) -> bool:
        """Whether nothing of it is left to do."""
        return self.state in ("applied", "baseline")


def exists(connection: Connection) -> bool:
    """Say whether the database has a history."""
    row = connection.execute("select to_regclass(%s)", [f"{SCHEMA}.history"]).fetchone()
    return row is not None and row[0] is not None


def create(connection: Connection) -> None:
    """Create the history's schema and tables where they are missing."""
    if not exists(connection):
        with connection.transaction():
            connection.execute(_CREATE.encode())


def read(connection: Connection) -> list[Record]:
    """Return the history in order of version; empty where there is none."""
    if not exists(connection):
        return []
    columns = ", ".join(Record.__dataclass_fields__)
    rows = connection.execute(
        f"select {columns} from {SCHEMA}.history order by version"  # noqa: S608 - own names
    )
    return [Record(*row) for row in rows]


def read_stored_catalog(connection: Connection) -> Catalog:
    """Return the catalog as the last migration left it; empty where there is no history."""
    if not exists(connection):
        return {}
    rows = connection.execute(
        f"select kind, identity, relation, definition from {SCHEMA}.catalog"  # noqa: S608
    )
    return {Identity(kind, name): Definition(text, relation) for kind, name, relation, text in rows}


def begin(connection: Connection, migration: Migration) -> None:
    """Write that ``migration`` is begun, or begun again; what was done stays done."""
    with _writing(connection):
        connection.execute(
            f"""
            insert into {SCHEMA}.history (
                version, name, sha256, state, statement_count, statements_done, done_sha256,
                toolkit_version, server_version, ignored
            )
            values (%s, %s, %s, 'running', %s, 0, %s, %s, %s, %s)
            on conflict (version) do update
            set
                name = excluded.name,
                sha256 = excluded.sha256,
                state = excluded.state,
                statement_count = excluded.statement_count,
                ignored = excluded.ignored,
                error = null
            """,  # noqa: S608
            [
                migration.version,
                migration.name,
                migration.sha256,
                len(migration.statements),
                migration.digests[0],
                __version__,
                connection.info.server_version,
                json.dumps([vars(ignore) for ignore in migration.ignores]),
            ],
        )


def record_progress(connection: Connection, migration: Migration, done: int) -> None:
    """Write that the first ``done`` statements of ``migration`` are done."""
    with _writing(connection):
        connection.execute(
            f"""
            update {SCHEMA}.history
            set statements_done = %s, done_sha256 = %s
            where version = %s
            """,  # noqa: S608
            [done, migration.digests[done], migration.version],
        )


def record_failure(connection: Connection, migration: Migration, error: str) -> None:
    """Write that ``migration`` stopped half-way, and why."""
    with _writing(connection):
        connection.execute(
            f"update {SCHEMA}.history set state = 'failed', error = %s where version = %s",  # noqa: S608
            [error, migration.version],
        )


def finish(
    connection: Connection,
    migration: Migration,
    catalog: Mapping[Identity, Definition],
    state: State = "applied",
) -> None:
    """Write that ``migration`` is done and left ``catalog`` behind."""
    with _writing(connection):
        record_progress(connection, migration, len(migration.statements))
        connection.execute(
            f"""
            update {SCHEMA}.history
            set state = %s, finished_at = clock_timestamp(), catalog_fingerprint = %s
            where version = %s
            """,  # noqa: S608
            [state, fingerprint(catalog), migration.version],
        )
        connection.execute(f"delete from {SCHEMA}.catalog")  # noqa: S608
        with (
            connection.cursor() as cursor,
            cursor.copy(
                f"copy {SCHEMA}.catalog (kind, identity, relation, definition) from stdin"
            ) as copy,
        ):
            for identity, definition in catalog.items():
                copy.write_row((*identity, definition.relation, definition.text))


@contextmanager
def _writing(connection: Connection) -> Iterator[None]:
    """Write as the role that connected, whatever role a file has set."""
    with connection.transaction():
        connection.execute("set local session authorization default")
        yield
