"""Bring a database up to a migration: lock, check, lint, plan, apply."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from psycopg import errors

from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate import history
from sselfie_insights.migrate.execution import Executor, Limits
from sselfie_insights.migrate.files import PACKAGED, Migration, load_migrations
from sselfie_insights.migrate.lint import LARGE_TABLE_BYTES, Judgement, lint, read_sizes
from sselfie_insights.migrate.observer import Observer
from sselfie_insights.migrate.planning import Plan, make_plan
from sselfie_insights.migrate.session import refuse_standby, session
from sselfie_insights.postgres import Connection, advisory_lock, describe_target


def _silent(message: str) -> None:
    del message


def apply(
    url: str,
    *,
    folder: Path = PACKAGED,
    to: int | None = None,
    schemas: Sequence[str] = ("public",),
    limits: Limits | None = None,
    allow_destructive: bool = False,
    scratch_url: str | None = None,
    large_table_bytes: int = LARGE_TABLE_BYTES,
    note: Callable[[str], None] = _silent,
) -> list[Migration]:
    """Apply the pending migrations of ``folder`` in order, and return them.

    Args:
        url: The database.
        folder: The migration files.
        to: The last version to apply; all of them if None.
        schemas: The schemas whose catalog is recorded, to find drift later.
        limits: How long to wait.
        allow_destructive: Whether steps may lose data or names that applications use.
        scratch_url: A server to try the files on beforehand; an embedded one if None.
        large_table_bytes: The size from which on lint blocks what locks or rewrites a table.
        note: Called with each migration applied, with drift and with retries.

    Raises:
        UsageError: The folder or the URL is wrong, or there is no way to judge the files.
        SourceError: The database cannot be reached.
        LockedError: Another run is at work.
        MigrationError: Files and history contradict each other, lint blocks, or a step failed.
    """
    limits = limits or Limits()
    migrations = load_migrations(folder)
    with (
        session(url) as connection,
        advisory_lock(connection, wait_seconds=limits.wait_s),
    ):
        refuse_standby(connection, url)
        plan = make_plan(
            connection, url, migrations, schemas, to=to,
            scratch_url=scratch_url, large_table_bytes=large_table_bytes,
        )  # fmt: skip
        for warning in (*plan.notes, *(f"drift: {difference}" for difference in plan.drift)):
            note(warning)
        plan.raise_on_blockers(allow_destructive=allow_destructive)
        if not plan.pending:
            return []
        create_history(connection, url)
        with Observer(url) as observer:
            executor = Executor(url, connection, observer, limits, schemas, note)
            for migration in plan.pending:
                executor.run(migration)
                note(f"applied {migration.label}")
    return list(plan.pending)


def plan(
    url: str,
    *,
    folder: Path = PACKAGED,
    to: int | None = None,
    schemas: Sequence[str] = ("public",),
    scratch_url: str | None = None,
    large_table_bytes: int = LARGE_TABLE_BYTES,
) -> Plan:
    """Return what `apply` would do now, and what that did on a copy; the database is only read.

    Raises:
        UsageError: The folder or the URL is wrong, or there is no way to judge the files.
        SourceError: The database cannot be reached.
        MigrationError: Files and history contradict each other.
    """
    migrations = load_migrations(folder)
    with session(url) as connection:
        return make_plan(
            connection, url, migrations, schemas, to=to,
            scratch_url=scratch_url, large_table_bytes=large_table_bytes,
        )  # fmt: skip


def lint_folder(
    folder: Path,
    url: str | None,
    *,
    scratch_url: str | None = None,
    large_table_bytes: int = LARGE_TABLE_BYTES,
    everything: bool = False,
) -> Judgement:
    """Judge the pending files of ``folder``, or all of them, as if they began with nothing.

    Without ``url`` all files count as pending, and all tables as large.

    Raises:
        UsageError: The folder or the URL is wrong, or there is no way to judge the files.
        SourceError: The database cannot be reached.
        MigrationError: A file is wrong.
    """
    migrations = load_migrations(folder)
    options: dict[str, Any] = {"scratch_url": scratch_url, "large_table_bytes": large_table_bytes}
    if url is None:
        return lint(migrations, None, None, **options)
    with session(url) as connection:
        sizes = read_sizes(connection)
        options["server_version"] = connection.info.server_version
        if everything:
            return lint(migrations, None, sizes, **options)
        records = history.read(connection)
    done = {record.version for record in records if record.is_done}
    pending = [migration for migration in migrations if migration.version not in done]
    return lint(pending, url, sizes, records=records, **options)


def create_history(connection: Connection, url: str) -> None:
    """Create the history where there is none.

    Raises:
        MigrationError: The role may not.
    """
    try:
        history.create(connection)
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction) as error:
        raise MigrationError(
            f"{describe_target(url)}: {error.diag.message_primary}",
            remedy=f"connect as a role that may create the schema {history.SCHEMA}",
        ) from None
