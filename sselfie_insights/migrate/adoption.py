"""Adopt a database whose tables somebody else created, at a version of our migrations."""

from collections.abc import Sequence
from pathlib import Path

from sselfie_insights.errors import MigrationError, UsageError, name_some
from sselfie_insights.migrate import history
from sselfie_insights.migrate.catalog import (
    Catalog,
    Definition,
    Difference,
    Identity,
    compare,
    read_catalog,
)
from sselfie_insights.migrate.execution import apply
from sselfie_insights.migrate.files import PACKAGED, Migration, load_migrations
from sselfie_insights.migrate.scratch import scratch_database
from sselfie_insights.migrate.session import writing_session
from sselfie_insights.postgres import connect


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
    with writing_session(url, wait_seconds) as connection:
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
        history.create(connection)
        with connection.transaction():
            for each in migrations:
                count = len(each.statements)
                history.record(connection, each, count, "baseline", catalog=current)
    return differences


def migrated_catalog(
    migrations: Sequence[Migration],
    folder: Path,
    schemas: Sequence[str],
    scratch_url: str | None,
    target: str | None,
) -> Catalog:
    """Return the catalog that ``migrations``, the first ones of ``folder``, build from nothing.

    Raises:
        UsageError: There is no scratch server to build it on.
        MigrationError: They cannot be applied.
    """
    with scratch_database(scratch_url, target) as url:
        if migrations:
            last = migrations[-1].version
            apply(url, folder=folder, to=last, schemas=schemas, allow_destructive=True)
        with connect(url, autocommit=True) as connection:
            return read_catalog(connection, schemas)


def structure(catalog: Catalog) -> Catalog:
    """Return tables, columns and constraints alone; a constraint goes by what it says.

    Names of constraints, indexes, rights and policies differ between databases that hold the
    same data.
    """
    reduced: Catalog = {}
    for identity, definition in catalog.items():
        if identity.kind == "constraint":
            name = f"{definition.relation} {definition.text}"
            reduced[Identity("constraint", name)] = Definition("", definition.relation)
        elif identity.kind == "table":
            kind = definition.text.split(" as ")[0].split(" row level")[0]
            reduced[identity] = Definition(kind, definition.relation)
        elif identity.kind == "column":
            reduced[identity] = definition
    return reduced
