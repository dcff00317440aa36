"""What is left to do, and whether files and history still tell the same story."""

from collections.abc import Iterable, Sequence

from sselfie_insights.errors import MigrationError, UsageError
from sselfie_insights.migrate.files import Migration, digest_statements
from sselfie_insights.migrate.history import Record


def pending_migrations(
    migrations: Sequence[Migration], records: Iterable[Record], to: int | None = None
) -> list[Migration]:
    """Return the migrations that are not done, up to version ``to``, in order.

    Raises:
        MigrationError: A file that was applied is edited, renumbered or missing, or an older one
            is pending.
        UsageError: There is no version ``to``.
    """
    by_version = {migration.version: migration for migration in migrations}
    if to is not None and to not in by_version:
        raise UsageError(f"there is no migration {to:04d}", remedy="see 'sselfie migrate status'")
    recorded = {record.version: record for record in records}
    for record in recorded.values():
        _check(record, by_version.get(record.version), migrations)
    last = max((record.version for record in recorded.values()), default=0)
    pending = [
        migration
        for migration in migrations
        if not (migration.version in recorded and recorded[migration.version].is_done)
    ]
    for migration in pending:
        if migration.version < last:
            raise MigrationError(
                f"{migration.label} is pending, but {last:04d} was applied",
                remedy="give it the next free number",
            )
    return [migration for migration in pending if to is None or migration.version <= to]


def _check(record: Record, migration: Migration | None, migrations: Iterable[Migration]) -> None:
    """Refuse a file that is not what was applied under its number."""
    same = next((other for other in migrations if other.sha256 == record.sha256), None)
    if same is not None and same.version != record.version:
        raise MigrationError(
            f"{record.label} was applied, and its file is now {same.label}",
            remedy=f"number it {record.version:04d} again",
        )
    if migration is None:
        raise MigrationError(
            f"{record.label} was applied, and its file is missing", remedy="restore the file"
        )
    if migration.name != record.name:
        raise MigrationError(
            f"{record.label} was applied, and its file is now called {migration.label}",
            remedy="restore its name",
        )
    if record.is_done and migration.sha256 != record.sha256:
        raise MigrationError(
            f"{migration.path.name} was edited after it was applied",
            remedy="restore it, and put the change into a new migration",
        )
    if not record.is_done:
        done = migration.statements[: record.statements_done]
        if digest_statements(done) != record.done_sha256:
            raise MigrationError(
                f"{migration.path.name}: statements that are done were edited",
                remedy=f"restore the first {record.statements_done} of them",
            )
