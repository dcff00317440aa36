"""Bring a database up to a migration: lock, check, plan, apply."""

from collections.abc import Callable, Iterable
from pathlib import Path

from psycopg import errors

from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate import history
from sselfie_insights.migrate.blockers import BlockerWatch
from sselfie_insights.migrate.execution import Executor, Limits
from sselfie_insights.migrate.files import PACKAGED, Migration, load_migrations
from sselfie_insights.migrate.plan import pending_migrations
from sselfie_insights.postgres import Connection, advisory_lock, connect, describe_target


def _silent(message: str) -> None:
    del message


def apply(
    url: str,
    *,
    folder: Path = PACKAGED,
    to: int | None = None,
    schemas: Iterable[str] = ("public",),
    limits: Limits | None = None,
    note: Callable[[str], None] = _silent,
) -> list[Migration]:
    """Apply the pending migrations of ``folder`` in order, and return them.

    Args:
        url: The database.
        folder: The migration files.
        to: The last version to apply; all of them if None.
        schemas: The schemas whose catalog is recorded, to tell drift.
        limits: How long to wait.
        note: Told of each migration applied, and of retries.

    Raises:
        UsageError: The folder or the URL is wrong.
        SourceError: The database cannot be reached.
        LockedError: Another run is at work.
        MigrationError: Files and history contradict each other, or a statement failed.
    """
    limits = limits or Limits()
    migrations = load_migrations(folder)
    with (
        connect(url, autocommit=True, application_name="sselfie migrate") as connection,
        advisory_lock(connection, wait_seconds=limits.wait_s),
    ):
        _prepare(connection, url)
        pending = pending_migrations(migrations, history.read(connection), to)
        with BlockerWatch(url, connection.info.backend_pid) as watch:
            executor = Executor(connection, watch, limits, schemas, note)
            for migration in pending:
                executor.run(migration)
                note(f"applied {migration.label}")
    return pending


def read_status(url: str, *, folder: Path = PACKAGED) -> list[tuple[str, str]]:
    """Return every migration of ``folder`` and its state: ``pending``, ``applied`` …

    Raises:
        UsageError: The folder or the URL is wrong.
        SourceError: The database cannot be reached.
        MigrationError: A file is wrong.
    """
    with connect(url, autocommit=True, application_name="sselfie migrate") as connection:
        states = {record.version: record.state for record in history.read(connection)}
    return [
        (migration.label, states.get(migration.version, "pending"))
        for migration in load_migrations(folder)
    ]


def _prepare(connection: Connection, url: str) -> None:
    """Make sure that the database can be written, and has a history.

    Raises:
        MigrationError: It is a standby, or the role may not write.
    """
    row = connection.execute("select pg_is_in_recovery()").fetchone()
    if row and row[0]:
        raise MigrationError(
            f"{describe_target(url)} is a standby", remedy="connect to the primary server"
        )
    try:
        history.create(connection)
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction) as error:
        raise MigrationError(
            f"{describe_target(url)}: {error.diag.message_primary}",
            remedy=f"connect as a role that may create the schema {history.SCHEMA}",
        ) from None
