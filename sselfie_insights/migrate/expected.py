"""What a database should look like: by the contract, and by the migration files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sselfie_insights.contract import SERIAL, Column, load_contract
from sselfie_insights.migrate.catalog import Catalog, Definition, Identity, read_catalog
from sselfie_insights.migrate.files import Migration
from sselfie_insights.migrate.scratch import scratch_database
from sselfie_insights.postgres import FULL_TYPE_NAMES, connect

_STRUCTURE = frozenset({"table", "column", "constraint"})


def contract_catalog(schema: str) -> Catalog:
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
    from sselfie_insights.migrate.runner import apply

    with scratch_database(scratch_url, target) as url:
        if migrations:
            apply(
                url,
                folder=folder,
                to=migrations[-1].version,
                schemas=schemas,
                allow_destructive=True,
            )
        with connect(url, autocommit=True) as connection:
            return read_catalog(connection, schemas)


def structure(catalog: Mapping[Identity, Definition]) -> Catalog:
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
        elif identity.kind in _STRUCTURE:
            reduced[identity] = definition
    return reduced


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
