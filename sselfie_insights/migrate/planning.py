"""What is left to do, what blocks it, and whether files and history agree."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sselfie_insights.errors import MigrationError, UsageError, name_some
from sselfie_insights.migrate import history
from sselfie_insights.migrate.catalog import Catalog, Difference, compare, read_catalog
from sselfie_insights.migrate.files import PACKAGED, Migration, load_migrations
from sselfie_insights.migrate.history import Record
from sselfie_insights.migrate.lint import (
    LARGE_TABLE_BYTES,
    Finding,
    Judgement,
    check_control,
    lint,
    read_sizes,
)
from sselfie_insights.migrate.session import session


@dataclass(frozen=True)
class Plan(Judgement):
    """What `apply` would do, and how that was judged.

    Attributes:
        pending: The migrations to run, in order.
        drift: Objects that differ from what the last migration left.
        conflicting_drift: Those of them that a pending file names.
    """

    pending: tuple[Migration, ...] = ()
    drift: tuple[Difference, ...] = ()
    conflicting_drift: tuple[Difference, ...] = ()

    def raise_on_blockers(self, *, allow_destructive: bool) -> None:
        """Raise if anything forbids going on.

        Raises:
            MigrationError: A finding blocks, or a pending file touches what drifted.
        """
        destructive = [each for each in self.findings if each.hazard == "loss"]
        blocking = [
            each for each in self.findings if each.severity == "error" and each.hazard != "loss"
        ]
        if blocking:
            raise MigrationError(
                f"lint blocks {_count_steps(blocking)}: {name_some(blocking)}",
                remedy="change them, or write '-- lint: ignore <rule> <reason>' above each",
            )
        if destructive and not allow_destructive:
            raise MigrationError(
                f"{_count_steps(destructive)} would lose something: {name_some(destructive)}",
                remedy="if that is meant, run it with --allow-destructive",
            )
        if self.conflicting_drift:
            names = name_some(self.conflicting_drift)
            raise MigrationError(
                f"pending files touch what was changed by hand: {names}",
                remedy="put it back as it was, or write the change as a migration",
            )


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
        SourceError: The database cannot be reached, or not be copied.
        MigrationError: Files and history contradict each other.
    """
    migrations = load_migrations(folder)
    notes = []
    drift: list[Difference] = []
    with session(url) as connection:
        server_version = connection.info.server_version
        records = history.read(connection)
        pending = pending_migrations(migrations, records, to)
        sizes = read_sizes(connection)
        if pending and not sizes:
            notes.append("the database has no tables yet: nothing was judged")
        half_done = next((record for record in records if not record.is_done), None)
        if half_done is not None:
            notes.append(f"{half_done.label} is half done, so drift was not looked for")
        elif records:
            stored = history.read_stored_catalog(connection)
            drift = find_drift(stored, read_catalog(connection, schemas))
            version = records[-1].server_version // 10000
            if drift and version != server_version // 10000:
                notes.append(
                    f"the last migration ran on PostgreSQL {version}, which may word it so"
                )
    # On a database without tables there is nobody to keep waiting, and nothing to lose.
    judgement = Judgement(tuple(check_control(pending)))
    if sizes:
        judgement = lint(
            pending, url, sizes, server_version=server_version, records=records,
            scratch_url=scratch_url, large_table_bytes=large_table_bytes,
        )  # fmt: skip
    return Plan(
        findings=judgement.findings,
        notes=(*notes, *judgement.notes),
        traced=judgement.traced,
        pending=tuple(pending),
        drift=tuple(drift),
        conflicting_drift=tuple(each for each in drift if _is_named(each, pending)),
    )


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


def find_drift(stored: Catalog, current: Catalog) -> list[Difference]:
    """Return what differs from the ``stored`` catalog, in the schemas that it covers."""
    schemas = {identity.name.split(".")[0] for identity in stored}
    watched = {
        identity: definition
        for identity, definition in current.items()
        if identity.name.split(".")[0] in schemas
    }
    return compare(stored, watched)


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
    done = {record.version for record in recorded.values() if record.is_done}
    pending = [migration for migration in migrations if migration.version not in done]
    if pending and pending[0].version < max(done, default=0):
        raise MigrationError(
            f"{pending[0].label} is pending, but {max(done):04d} was applied",
            remedy="give it the next free number",
        )
    return [migration for migration in pending if to is None or migration.version <= to]


def _check(record: Record, migration: Migration | None, migrations: Iterable[Migration]) -> None:
    """Refuse a file that is not what was applied under its number."""
    same = next((other for other in migrations if other.sha256 == record.sha256), None)
    was_applied = f"{record.label} was applied, and its file is"
    done = record.statements_done
    if same is not None and same.version != record.version:
        message, remedy = f"{was_applied} now {same.label}", f"number it {record.version:04d} again"
    elif migration is None:
        message, remedy = f"{was_applied} missing", "restore the file"
    elif migration.name != record.name:
        message, remedy = f"{was_applied} now called {migration.label}", "restore its name"
    elif record.is_done and migration.sha256 != record.sha256:
        message = f"{migration.path.name} was edited after it was applied"
        remedy = "restore it, and put the change into a new migration"
    elif not record.is_done and migration.digests[done : done + 1] != (record.done_sha256,):
        message = f"{migration.path.name}: statements that are done were edited"
        remedy = f"restore the first {done} of them"
    else:
        return
    raise MigrationError(message, remedy=remedy)


def _is_named(difference: Difference, pending: Iterable[Migration]) -> bool:
    """Say whether a pending file names the object, or the relation it belongs to.

    An index that is invalid was made by nobody's hand: a failed build left it, and the runner drops
    it before it builds it again.
    """
    if difference.identity.kind == "index" and (difference.texts[-1] or "").endswith(" invalid"):
        return False
    name = difference.relation or difference.identity.name.split("(")[0]
    wanted = name.split(".")[-1]
    return any(
        wanted in statement.names for migration in pending for statement in migration.statements
    )


def _count_steps(findings: Sequence[Finding]) -> str:
    return f"{len(findings)} step{'' if len(findings) == 1 else 's'}"
