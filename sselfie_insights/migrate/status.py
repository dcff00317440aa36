"""Where a database stands: each migration's state, and contract, files and database compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sselfie_insights.migrate import history
from sselfie_insights.migrate.catalog import Catalog, Difference, Identity, read_catalog
from sselfie_insights.migrate.expected import contract_catalog, migrated_catalog, structure
from sselfie_insights.migrate.files import PACKAGED, load_migrations
from sselfie_insights.migrate.planning import find_drift, pending_migrations
from sselfie_insights.migrate.session import session

MISSING = ""
"""The definition of an object that is not there."""

UNKNOWN = "unknown without --on-scratch"
"""Said for the migrations where none was applied, or the database was adopted as it was."""


@dataclass(frozen=True)
class Step:
    """One migration and its state: ``pending``, ``applied``, ``baseline``, ``running``, ``failed``.

    Attributes:
        version: Its number.
        name: Its name.
        state: Its state.
        applied_at: When it was finished, ISO 8601; empty if it was not.
        detail: How far it came, and what stopped it.
    """

    version: int
    name: str
    state: str
    applied_at: str
    detail: str


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
        steps: The migrations in order.
        drift: What was changed by hand since the last one.
        differences: What contract, migrations and database do not agree on.
    """

    steps: tuple[Step, ...]
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
    steps = []
    for migration in migrations:
        record = records.get(migration.version)
        if record is None:
            steps.append(Step(migration.version, migration.name, "pending", "", ""))
            continue
        detail = ""
        if not record.is_done:
            detail = f"{record.statements_done} of {record.statement_count} statements done"
            detail += f"; {record.error}" if record.error else ""
        at = record.finished_at.isoformat() if record.finished_at else ""
        steps.append(Step(record.version, record.name, record.state, at, detail))
    is_adopted = any(record.state == "baseline" for record in records.values())
    built = None if is_adopted else stored or None
    if on_scratch or scratch_url:
        built = migrated_catalog(migrations, folder, schemas, scratch_url, url)
    half_done = any(not record.is_done for record in records.values())
    drift = [] if half_done or not records else find_drift(stored, current)
    contract = contract_catalog(schemas[0])
    return Status(tuple(steps), tuple(drift), compare_three_ways(contract, built, current))


def compare_three_ways(
    contract: Catalog, migrations: Catalog | None, database: Catalog
) -> tuple[ThreeWay, ...]:
    """Return the tables, columns and constraints on which the three do not agree.

    What belongs to a table that one of them lacks altogether is not listed apart. Where nothing
    is known of ``migrations``, the other two are compared.
    """
    three = [
        structure(catalog) for catalog in (contract, migrations, database) if catalog is not None
    ]
    lacking = [
        {
            identity.name
            for identity in set().union(*three) - side.keys()
            if identity.kind == "table"
        }
        for side in three
    ]
    rows = []
    for identity in sorted(set().union(*three)):
        found = [side.get(identity) for side in three]
        relations = {definition.relation for definition in found if definition}
        texts = [_say(identity, side) for side in three]
        if len(set(texts)) > 1 and (
            identity.kind == "table" or not any(relations & names for names in lacking)
        ):
            if migrations is None:
                texts.insert(1, UNKNOWN)
            rows.append(ThreeWay(str(identity), *texts))
    return tuple(rows)


def _say(identity: Identity, catalog: Catalog) -> str:
    definition = catalog.get(identity)
    if definition is None:
        return MISSING
    return definition.text or "yes"
