"""What a sync has to do: which tables to reload, which to refresh, and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sselfie_insights import contract
from sselfie_insights.errors import UsageError
from sselfie_insights.settings import Settings
from sselfie_insights.sync.catalog import Catalog
from sselfie_insights.sync.changes import MAX_GAP, changed_since
from sselfie_insights.sync.columns import Mirror, distinct_names, name_distinct, place_table
from sselfie_insights.sync.credentials import BY_CONTENT, Judge, find_credentials
from sselfie_insights.sync.load import UNREPRESENTABLE, Changes, count_changes
from sselfie_insights.sync.names import DOCUMENTED, Names, find_names
from sselfie_insights.sync.source import Snapshot, Source
from sselfie_insights.sync.state import MirroredTable


@dataclass(frozen=True)
class Step:
    """What is to be done to one table.

    Attributes:
        mirror: The table.
        reason: Why it is read in full; empty when its changed rows are enough.
        changes: What changed; None when it is read in full.
        known_rows: The rows that the mirror holds.
    """

    mirror: Mirror
    reason: str
    changes: Changes | None = None
    known_rows: int = 0

    @property
    def is_unchanged(self) -> bool:
        """Whether the mirror already shows the snapshot."""
        changes = self.changes
        return (
            changes is not None and not changes.condition and changes.row_count == self.known_rows
        )


def place_tables(catalog: Catalog, settings: Settings, found: Names | None = None) -> list[Mirror]:
    """Return where every table of the catalog goes: the first schema to ``raw``.

    Columns with credentials stay behind: those of the contract, which is about the first schema,
    and whatever looks like one where the contract says nothing.

    Args:
        catalog: The source's tables.
        settings: The schemas to mirror, in order, and what they call otherwise.
        found: What is called otherwise, where that is known already.
    """
    mirrors = []
    schemas, documented = settings.source_schemas, contract.load_contract()
    found = found or find_names(catalog, settings)
    own = {
        table.name: found.documented(table.name)
        for table in catalog.values()
        if table.schema == schemas[0]
    }
    judge = Judge(
        {name: documented[own[name]] for name in own if own[name] in documented},
        schemas[0],
        {name: found.columns.get(own[name], {}) for name in own},
        settings.mirror,
    )
    places = distinct_names(["raw", *(f"raw_{schema}" for schema in schemas[1:])])
    for schema, mirror_schema in zip(schemas, places, strict=True):
        tables = [table for table in catalog.values() if table.schema == schema]
        names = found if schema == schemas[0] else DOCUMENTED
        places_of = name_distinct([table.name for table in tables], names.tables)
        for table, name in zip(tables, places_of, strict=True):
            document = names.documented(table.name)
            secrets = _secrets(documented.get(document))
            columns = names.columns.get(document, {})
            mirror = place_table(table, mirror_schema, name, secrets, columns)
            mirror = mirror.with_judged(judge.looks_through(table))
            mirrors.append(mirror.with_secrets(judge.judge(table)))
    return mirrors


def select_tables(mirrors: Sequence[Mirror], chosen: Collection[str]) -> list[Mirror]:
    """Return the tables called ``chosen``, as ``name`` or ``schema.name``; all when it is empty.

    Raises:
        UsageError: The source has no such table.
    """
    known = {m.table.name for m in mirrors} | {m.table.label for m in mirrors}
    unknown = sorted(set(chosen) - known)
    if unknown:
        raise UsageError(
            f"the source has no table {', '.join(unknown)}",
            remedy="see 'sselfie status' for those it has",
        )
    return [m for m in mirrors if not chosen or m.table.name in chosen or m.table.label in chosen]


def plan_step(
    source: Source, mirror: Mirror, known: MirroredTable | None, identity: str, snapshot: Snapshot
) -> Step:
    """Return what brings ``mirror`` up to ``snapshot``; counts its changes where that helps."""
    held = _find_held(mirror, known)
    reason = _reload_reason(held, known, identity, snapshot)
    if reason or known is None:
        return Step(mirror, reason)
    mirror = held
    kept = [
        c.name for c in known.columns if c.transfer_mode == "text" and c.reason == UNREPRESENTABLE
    ]
    mirror = mirror.with_text(kept, UNREPRESENTABLE)
    changes = count_changes(source, mirror, changed_since(known.xmin, snapshot.xmax))
    step = Step(mirror, "", changes, known.row_count)
    if step.is_unchanged:
        return step
    if not mirror.key:
        return Step(mirror, "rows changed, and it has no key")
    if changes.unrepresentable:
        return Step(mirror, f"{', '.join(changes.unrepresentable)} {UNREPRESENTABLE}")
    return step


def _find_held(mirror: Mirror, known: MirroredTable | None) -> Mirror:
    """Return ``mirror`` without what an earlier sync has found credentials in."""
    judged = {column.source.name for column in mirror.columns if column.is_judged}
    columns = known.columns if known else ()
    held = [c.name for c in columns if c.reason == BY_CONTENT and c.name in judged]
    return mirror.with_secrets(dict.fromkeys(held, BY_CONTENT))


def hold_back_credentials(source: Source, step: Step) -> Step:
    """Return ``step`` without the columns that look like credentials in the rows to be read."""
    if step.is_unchanged:
        return step
    where = step.changes.condition or "false" if step.changes else "true"
    found = find_credentials(source, step.mirror, where)
    if not found:
        return step
    mirror = step.mirror.with_secrets(dict.fromkeys(found, BY_CONTENT))
    return Step(mirror, step.reason or "a column became secret, or travels otherwise")


def _reload_reason(
    mirror: Mirror, known: MirroredTable | None, identity: str, snapshot: Snapshot
) -> str:
    table = mirror.table
    if known is None:
        return "new"
    if not identity:
        return "the role may not execute pg_control_system(), _checkpoint() and _recovery()"
    if known.identity != identity:
        return "another history of the database"
    if not known.fingerprint.startswith(table.fingerprint):
        return "its definition changed"
    if (known.mirror_schema, known.mirror_name) != (mirror.schema, mirror.name):
        return "its place in the mirror changed"
    named = {c.name: c.mirror_name for c in known.columns}
    if any(named.get(c.source.name, c.name) != c.name for c in mirror.columns):
        return "a column got another name in the mirror"
    modes = {c.name: c.transfer_mode for c in known.columns if c.reason != UNREPRESENTABLE}
    if any(modes.get(c.source.name, c.transfer_mode) != c.transfer_mode for c in mirror.columns):
        return "a column became secret, or travels otherwise"
    if known.fingerprint != mirror.fingerprint:
        return "its columns are judged by other rules"
    if known.is_suspect:
        return "it differed when last verified"
    if not table.shows_versions:
        return "the role may not read its columns xmin and ctid"
    if table.has_foreign:
        return "some of its partitions are on another server"
    if snapshot.xmax < known.xmax:
        return "transaction numbers went backwards"
    if snapshot.is_standby and not snapshot.shows_seen:
        return "the standby may not show all that the last sync saw"
    if snapshot.xmax - known.xmin >= MAX_GAP:
        return "too many transactions since the last sync"
    return ""


def _secrets(table: contract.Table | None) -> set[str]:
    if table is None:
        return set()
    columns = (c for c in (*table.columns, *table.live_columns) if c.is_secret)
    return {name for column in columns for name in (column.name, *column.aliases)}
