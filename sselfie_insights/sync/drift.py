"""How the source differs from the contract, and from what the last sync found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sselfie_insights import contract
from sselfie_insights.clock import write_instant
from sselfie_insights.postgres import FULL_TYPE_NAMES
from sselfie_insights.sync.catalog import Catalog, LeftOut, SourceColumn, SourceTable
from sselfie_insights.sync.names import DOCUMENTED, Names
from sselfie_insights.sync.state import EMPTY, Difference, MirroredTable, State

FOREIGN = (
    "foreign partition",
    "some of its rows live on another server: read in full, and not at the snapshot",
)
"""Kind and detail of a table that the snapshot does not hold still."""


def contract_drift(
    catalog: Catalog,
    schema: str,
    documented: Mapping[str, contract.Table],
    left_out: Sequence[LeftOut] = (),
    names: Names = DOCUMENTED,
    before: State = EMPTY,
) -> list[Difference]:
    """Return how ``schema`` of the source differs from the contract, and what stays unmirrored.

    Args:
        catalog: The tables of the source.
        schema: Its first schema, which the contract is about.
        documented: The contract.
        left_out: What stays unmirrored.
        names: What it calls otherwise.
        before: What the warehouse holds: what was there and is no more is gone since then.
    """
    found = {
        names.documented(table.name): table for table in catalog.values() if table.schema == schema
    }
    reasons = {item.name if item.schema == schema else item.label: item.reason for item in left_out}
    instead = {item.documented: item for item in left_out if item.documented not in found}
    drift: list[Difference] = []
    lost = _Lost(before, schema)
    for name, table in documented.items():
        if name in found:
            drift += _compare_columns(found[name], table, names.columns.get(name, {}), lost)
            if name in names.tables:
                drift.append((name, None, "table renamed", f"is {found[name].name} in the source"))
        elif name in instead:
            item = instead[name]
            kind = "table left out" if item.cause == "settings" else "table not mirrored"
            called = f"is {item.name} in the source, " if item.name != name else "documented, and "
            drift.append((name, None, kind, called + reasons.pop(item.name)))
        else:
            drift.append(lost.describe(name))
    drift += [
        (name, None, "table undocumented", f"{len(table.columns)} columns")
        for name, table in found.items()
        if name not in documented
    ]
    drift += [(name, None, "not mirrored", reason) for name, reason in reasons.items()]
    drift += [
        (table.name if table.schema == schema else table.label, None, *FOREIGN)
        for table in catalog.values()
        if table.has_foreign
    ]
    return drift


@dataclass(frozen=True)
class _Lost:
    """What an earlier sync found of what is missing now."""

    before: State
    schema: str

    def describe(self, table: str, column: contract.Column | None = None) -> Difference:
        """Return the difference of something that is not there: gone, or never seen."""
        name, what = (column.name, "column") if column else (None, "table")
        for row in self.before.drift:
            if row[:3] == (table, name, f"{what} gone"):
                return row  # since when it is gone does not change
        known = next(
            (
                each
                for each in self.before.tables.values()
                if (each.schema, each.mirror_name) == (self.schema, table)
            ),
            None,
        )
        at = self.before.last_snapshot_at
        names = {each.mirror_name for each in known.columns} if known else set()
        was_there = bool({column.name, *column.aliases} & names) if column else known is not None
        if was_there and at is not None:
            return table, name, f"{what} gone", write_instant(at)
        return table, name, f"{what} missing", "documented, and not in the source"


def schema_changes(
    catalog: Catalog, known: Mapping[tuple[str, str], MirroredTable]
) -> list[Difference]:
    """Return what changed in the source's schema since the syncs that ``known`` remembers."""
    if not known:
        return []
    by_oid = {table.oid: table for table in known.values()}
    current = {table.oid for table in catalog.values()}
    changes: list[Difference] = []
    for key, table in catalog.items():
        before = by_oid.get(table.oid)
        if before is None and key in known:
            changes.append((table.label, None, "table replaced", "dropped and created again"))
        elif before is None:
            changes.append((table.label, None, "table added", f"{len(table.columns)} columns"))
        else:
            old = f"{before.schema}.{before.name}"
            if old != table.label:
                changes.append((table.label, None, "table renamed", f"was {old}"))
            changes += _changed_columns(table, before)
    changes += [
        (f"{table.schema}.{table.name}", None, "table dropped", f"{table.row_count} rows")
        for key, table in known.items()
        # one whose name went to another known table is gone all the same
        if table.oid not in current and (key not in catalog or catalog[key].oid in by_oid)
    ]
    return changes


def _compare_columns(
    found: SourceTable, documented: contract.Table, renamed: Mapping[str, str], lost: _Lost
) -> Iterable[Difference]:
    columns = {column.name: column for column in found.columns}
    explained: set[str] = set()
    for column in documented.columns:
        mapped = renamed.get(column.name)
        alias = next((name for name in (mapped, *column.aliases) if name in columns), None)
        if column.name in columns and mapped not in columns:
            explained.add(column.name)
            yield from _compare_type(documented.name, columns[column.name], column)
        elif alias:
            explained.add(alias)
            yield documented.name, column.name, "column renamed", f"is {alias} in the source"
        else:
            yield lost.describe(documented.name, column)
    for name, live in columns.items():
        if name not in explained:
            yield documented.name, name, "column undocumented", live.type


def _compare_type(
    table: str, found: SourceColumn, documented: contract.Column
) -> Iterable[Difference]:
    expected = _spell(documented.data_type)
    if found.type != expected:
        yield table, found.name, "type differs", f"{found.type}, documented as {expected}"


def _spell(data_type: str) -> str:
    """Return a documented type as PostgreSQL spells it."""
    name, bracket, rest = data_type.lower().replace(" ", "").partition("(")
    if not bracket:
        name, bracket, rest = data_type.lower().partition("[")
    return FULL_TYPE_NAMES.get(name.strip(), name.strip()) + bracket + rest


def _changed_columns(table: SourceTable, before: MirroredTable) -> Iterable[Difference]:
    old = {column.number: column for column in before.columns}
    for column in table.columns:
        was = old.pop(column.number, None)
        if was is None:
            yield table.label, column.name, "column added", column.type
            continue
        if was.name != column.name:
            yield table.label, column.name, "column renamed", f"was {was.name}"
        if was.type != column.type:
            yield table.label, column.name, "column retyped", f"{was.type} to {column.type}"
    for was in old.values():
        yield table.label, was.name, "column dropped", was.type
