"""Adopt a database whose tables somebody else created, at a version of our migrations."""

from collections.abc import Sequence
from pathlib import Path

from sselfie_insights.errors import MigrationError, UsageError, name_some
from sselfie_insights.migrate import history
from sselfie_insights.migrate.catalog import Difference, compare, read_catalog
from sselfie_insights.migrate.expected import migrated_catalog, structure
from sselfie_insights.migrate.files import PACKAGED, load_migrations
from sselfie_insights.migrate.runner import create_history
from sselfie_insights.migrate.session import refuse_standby, session
from sselfie_insights.postgres import advisory_lock


def baseline(
    url: str,
    version: int,
    *,
    folder: Path = PACKAGED,
    schemas: Sequence[str] = ("public",),
    scratch_url: str | None = None,
    accept_differences: bool = False,
    wait_seconds: float = 30,
) -> list[Difference]:
    """Record the migrations up to ``version`` as done, and return how the database differs.

    It covers them if every table and column that they create is there; what else differs
    (types, defaults, keys, more columns) is listed and adopted.

    Args:
        url: The database.
        version: The last migration that it is taken to hold.
        folder: The migration files.
        schemas: The schemas compared.
        scratch_url: A server to build the expected catalog on; an embedded one if None.
        accept_differences: Whether to adopt it although tables or columns are missing.
        wait_seconds: How long to wait for another run.

    Raises:
        UsageError: There is no such version, or no scratch server.
        SourceError: The database cannot be reached.
        MigrationError: It has a history already, or does not cover the version.
    """
    migrations = [m for m in load_migrations(folder) if m.version <= version]
    if not migrations or migrations[-1].version != version:
        raise UsageError(
            f"there is no migration {version:04d}", remedy="see 'sselfie migrate status'"
        )
    with (
        session(url) as connection,
        advisory_lock(connection, wait_seconds=wait_seconds),
    ):
        refuse_standby(connection, url)
        if history.read(connection):
            raise MigrationError(
                "the database has a history of migrations already",
                remedy="see 'sselfie migrate status'",
            )
        expected = migrated_catalog(migrations, folder, schemas, scratch_url, url)
        current = read_catalog(connection, schemas)
        differences = compare(structure(expected), structure(current))
        missing = [
            str(difference.identity)
            for difference in differences
            if difference.change == "missing" and difference.identity.kind != "constraint"
        ]
        if missing and not accept_differences:
            raise MigrationError(
                f"the database does not cover {version:04d}: "
                f"{len(missing)} missing: {name_some(missing)}",
                remedy="create them, choose a lower version, or say --accept-differences",
            )
        create_history(connection, url)
        with connection.transaction():
            for migration in migrations:
                history.begin(connection, migration)
                history.finish(connection, migration, current, "baseline")
    return differences
