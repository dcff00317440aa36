"""Where a database stands, by its history and by what it holds; and how one is adopted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sselfie_insights.contract import SERIAL, Column, load_contract
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
from sselfie_insights.migrate.planning import find_drift, pending_migrations
from sselfie_insights.migrate.scratch import scratch_database
from sselfie_insights.migrate.session import session, writing_session
from sselfie_insights.postgres import FULL_TYPE_NAMES, connect

UNKNOWN = "unknown without --on-scratch"
"""Said for the migrations where none was applied, or the database was adopted as it was."""


@dataclass(frozen=True)
class Status:
    """Where a database stands.

    Attributes:
        steps: The migrations in order, with what is recorded of them.
        drift: What was changed by hand since the last one.
        differences: What contract, migrations and database, in this order, do not agree on.
    """

    steps: tuple[history.Record, ...]
    drift: tuple[Difference, ...]
    differences: tuple[Difference, ...]


def read_status(
    url: str,
    *,
    folder: Path = PACKAGED,
    schemas: Sequence[str] = ("public",),
    on_scratch: bool = False,
    scratch_url: str | None = None,
) -> Status:
    """Return where the database stands; it is only read.

    What the migrations build is what the last one left behind, if all were applied here, or with
    ``on_scratch`` what all of them build on a scratch server; without either only contract and
    database are compared.

    Raises:
        UsageError: The folder or the URL is wrong, or there is no scratch server.
        SourceError: The database cannot be reached.
        MigrationError: Files and history contradict each other.
    """
    migrations = load_migrations(folder)
    with session(url) as connection:
        records = {record.version: record for record in history.read(connection)}
        pending_migrations(migrations, records.values())  # refuses files that were tampered with
        stored = history.read_stored_catalog(connection)
        current = read_catalog(connection, schemas)
    steps = [
        records.get(each.version)
        or history.Record(each.version, each.name, each.sha256, "pending", len(each.statements))
        for each in migrations
    ]
    is_adopted = any(record.state == "baseline" for record in records.values())
    built = None if is_adopted else stored or None
    if on_scratch or scratch_url:
        built = migrated_catalog(migrations, folder, schemas, scratch_url, url)
    half_done = any(not record.is_done for record in records.values())
    drift = [] if half_done or not records else find_drift(stored, current)
    contract = _contract_catalog(schemas[0])
    return Status(tuple(steps), tuple(drift), compare_three_ways(contract, built, current))


def compare_three_ways(
    contract: Catalog, migrations: Catalog | None, database: Catalog
) -> tuple[Difference, ...]:
    """Return the tables, columns and constraints on which the three do not agree.

    Where nothing is known of ``migrations``, the other two are compared.
    """
    if migrations is not None:
        return tuple(compare(*map(structure, (contract, migrations, database))))
    return tuple(
        replace(each, texts=(each.texts[0], UNKNOWN, each.texts[1]))
        for each in compare(structure(contract), structure(database))
    )


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
            reduced[Identity("constraint", name)] = Definition("yes", definition.relation)
        elif identity.kind == "table":
            kind = definition.text.split(" as ")[0].split(" row level")[0]
            reduced[identity] = Definition(kind, definition.relation)
        elif identity.kind == "column":
            reduced[identity] = definition
    return reduced


def _contract_catalog(schema: str) -> Catalog:
    """Return the tables, columns and constraints that the contract documents, in ``schema``."""
    catalog: Catalog = {}
    for table in load_contract().values():
        relation = f"{schema}.{table.name}"
        catalog[Identity("table", relation)] = Definition("table", relation)
        for column in table.columns:
            identity = Identity("column", f"{relation}.{column.name}")
            catalog[identity] = Definition(_column_text(relation, column), relation)
            constraints = []
            if column.key == "primary":
                constraints.append(f"PRIMARY KEY ({column.name})")
            if column.key == "unique":
                constraints.append(f"UNIQUE ({column.name})")
            if column.references is not None:
                target = f"{schema}.{column.references}(id)"
                constraints.append(f"FOREIGN KEY ({column.name}) REFERENCES {target}")
            for text in constraints:
                catalog[Identity("constraint", f"{relation} {text}")] = Definition(text, relation)
    return catalog


def _column_text(relation: str, column: Column) -> str:
    """Return a column as the catalog query writes it."""
    kind = FULL_TYPE_NAMES.get(column.data_type, column.data_type)
    default = column.default
    if default == SERIAL:
        default = f"nextval('{relation}_{column.name}_seq'::regclass)"
    elif default is not None and column.data_type in ("text", "jsonb"):
        default = f"'{default}'::{column.data_type}"
    parts = [kind]
    if column.key == "primary":
        parts.append("not null")
    if default is not None:
        parts.append(f"default {default}")
    return " ".join(parts)
