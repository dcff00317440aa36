"""Where a database stands: each migration's state, and contract, files and database compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sselfie_insights.contract import SERIAL, Column, load_contract
from sselfie_insights.migrate import history
from sselfie_insights.migrate.adoption import migrated_catalog, structure
from sselfie_insights.migrate.catalog import (
    Catalog,
    Definition,
    Difference,
    Identity,
    compare,
    read_catalog,
)
from sselfie_insights.migrate.files import PACKAGED, load_migrations
from sselfie_insights.migrate.planning import find_drift, pending_migrations
from sselfie_insights.migrate.session import session
from sselfie_insights.postgres import FULL_TYPE_NAMES

UNKNOWN = "unknown without --on-scratch"
"""Said for the migrations where none was applied, or the database was adopted as it was."""


@dataclass(frozen=True)
class ThreeWay:
    """An object that contract, migrations and database do not agree on; empty where it is not."""

    object: str
    contract: str
    migrations: str
    database: str


@dataclass(frozen=True)
class Status:
    """Where a database stands.

    Attributes:
        steps: The migrations in order, with what is recorded of them.
        drift: What was changed by hand since the last one.
        differences: What contract, migrations and database do not agree on.
    """

    steps: tuple[history.Record, ...]
    drift: tuple[Difference, ...]
    differences: tuple[ThreeWay, ...]


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
) -> tuple[ThreeWay, ...]:
    """Return the tables, columns and constraints on which the three do not agree.

    What belongs to a table that one of them lacks altogether is not listed apart. Where nothing
    is known of ``migrations``, the other two are compared.
    """
    known = [contract, database] if migrations is None else [contract, migrations, database]
    rows = []
    for difference in compare(*map(structure, known)):
        texts = ["" if text is None else text or "yes" for text in difference.texts]
        if migrations is None:
            texts.insert(1, UNKNOWN)
        rows.append(ThreeWay(str(difference.identity), *texts))
    return tuple(rows)


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
