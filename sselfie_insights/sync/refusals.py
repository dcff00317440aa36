"""What the mirror refuses: a source that would silently show it less than everything."""

import json
from collections.abc import Iterable

from sselfie_insights.clock import write_instant
from sselfie_insights.errors import SourceError, name_some
from sselfie_insights.setting_names import CONFIG_FILE
from sselfie_insights.sql import quote
from sselfie_insights.sync.catalog import Catalog, LeftOut, list_closed
from sselfie_insights.sync.columns import Mirror
from sselfie_insights.sync.source import Seen, Snapshot, Source

NAMES_SHOWN = 10


def refuse_empty(source: Source, catalog: Catalog, left_out: Iterable[LeftOut]) -> None:
    """Refuse a source without tables, or without a schema that was asked for.

    Raises:
        SourceError: A schema is not there or may not be used, or none holds a table that the role
            may read.
    """
    schemas = source.schemas
    found = source.execute(
        "select nspname::text from pg_namespace where nspname = any(%s)", [list(schemas)]
    )
    missing = [schema for schema in schemas if (schema,) not in found]
    if missing:
        raise SourceError(
            f"{source.target} has no schema {', '.join(missing)}",
            remedy="set SSELFIE_SOURCE_SCHEMAS to schemas that it has",
        )
    forbidden = source.execute(
        "select nspname from pg_namespace where nspname = any(%s)"
        " and not has_schema_privilege(oid, 'usage') order by 1",
        [list(schemas)],
    )
    if forbidden:
        names = ", ".join(quote(row[0]) for row in forbidden)
        raise SourceError(
            f"role {source.role} may not use schema {names}",
            remedy=f"grant usage on schema {names} to {quote(source.role)}",
        )
    if not catalog and (closed := list_closed(left_out)):
        raise SourceError(
            f"role {source.role} may read no table of {source.target}, such as {closed[0]}",
            remedy="; ".join(
                f"grant select on all tables in schema {quote(schema)} to {quote(source.role)}"
                for schema in schemas
            ),
        )
    if not catalog:
        names = ", ".join(schemas)
        raise SourceError(
            f"{source.target} has no tables in schema {names}",
            remedy="run 'sselfie migrate apply' to create them, or set SSELFIE_SOURCE_SCHEMAS",
        )


def refuse_older(source: Source, snapshot: Snapshot, seen: Seen | None) -> None:
    """Refuse a snapshot from before the last sync: history would run backwards.

    A standby goes by how much of the log it has replayed, or by its clock where the last sync
    saw another log.

    Args:
        source: The source.
        snapshot: Its snapshot.
        seen: What the last sync saw; None when there was none.

    Raises:
        SourceError: It shows less than the last sync saw.
    """
    if seen is None:
        return
    is_known_by_log = snapshot.is_standby and seen.wal_position is not None
    if snapshot.shows_seen if is_known_by_log else snapshot.at >= seen.at:
        return
    now = write_instant(snapshot.at)
    before = f"before the last sync at {write_instant(seen.at)}"
    if snapshot.is_standby:
        raise SourceError(
            f"the standby {source.target} shows its primary as of {now}, {before}",
            remedy="wait until it has caught up, or sync from the primary",
        )
    raise SourceError(
        f"the clock of {source.target} says {now}, {before}",
        remedy="wait until that clock is right; if it was wrong at the last sync,"
        " put a kept publication from before it in the warehouse's place",
    )


def refuse_unreadable(source: Source, mirrors: Iterable[Mirror]) -> None:
    """Refuse tables and columns that the role may not read, secrets aside.

    Raises:
        SourceError: The role lacks a privilege; the remedy is the statement that grants it.
    """
    role = quote(source.role)
    closed = [m for m in mirrors if any(_is_closed(m))]
    schemas = sorted({m.table.schema for m in closed})
    if not closed:
        return
    if any(c.transfer_mode == "secret" for m in closed for c in m.columns):
        # A grant on the whole table would open its secrets.
        grants = [_grant(m, role) for m in closed]
    else:
        grants = [f"grant select on all tables in schema {quote(s)} to {role}" for s in schemas]
    raise SourceError(
        f"role {source.role} may not read "
        f"{name_some((m.table.label for m in closed), NAMES_SHOWN)}; {CONFIG_FILE} can do without:"
        f" tables.leave_out = {json.dumps([m.table.name for m in closed])}",
        remedy="; ".join(grants),
    )


def refuse_filtered(source: Source, mirrors: Iterable[Mirror]) -> None:
    """Refuse tables whose row-level security can hide rows from the role.

    Raises:
        SourceError: A table has no policy that lets the role read every row, or has one that
            restricts it.
    """
    filtered = [m for m in mirrors if m.table.is_filtered]
    if not filtered:
        return
    oids = [m.table.oid for m in filtered]
    opened = {
        oid
        for (oid,) in source.execute(
            "select polrelid::bigint from pg_policy"
            " where polrelid = any(%s::oid[]) and polcmd in ('r', '*') and exists ("
            "   select from unnest(polroles) as r (role)"
            "   where role = 0 or pg_has_role(role, 'usage'))"
            " group by polrelid"
            " having bool_or(polpermissive and pg_get_expr(polqual, polrelid) = 'true')"
            " and bool_and(polpermissive or pg_get_expr(polqual, polrelid) = 'true')",
            [oids],
        )
    }
    hidden = [m for m in filtered if m.table.oid not in opened]
    if hidden:
        role = quote(source.role)
        policies = "; ".join(
            f"create policy sselfie_read on {m.remote} for select to {role} using (true)"
            for m in hidden
        )
        raise SourceError(
            "row-level security may hide rows of "
            f"{name_some((m.table.label for m in hidden), NAMES_SHOWN)} from role {source.role}",
            remedy=policies,
        )


def _is_closed(mirror: Mirror) -> Iterable[bool]:
    if not mirror.columns:  # its rows are counted
        return (not mirror.table.shows_versions,)
    return (not c.source.is_readable for c in mirror.columns if c.transfer_mode != "secret")


def _grant(mirror: Mirror, role: str) -> str:
    open_columns = [quote(c.source.name) for c in mirror.columns if c.transfer_mode != "secret"]
    whole = len(open_columns) == len(mirror.columns)
    # The mirror finds changed rows by these two; a grant on columns does not include them.
    columns = "" if whole else f" ({', '.join([*open_columns, 'xmin', 'ctid'])})"
    return f"grant select{columns} on {mirror.remote} to {role}"
