"""Which columns a materialised view may show, through views and other materialised views.

PostgreSQL says of a column of a view that is a plain copy where it comes from; of any other it says
only what the whole view reads, and the column may show all of that. What a view reads of the
system's own tables is in its parsed query alone.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg

from sselfie_insights.sync.catalog import Catalog, Origin

_VIEWS = """
select
    c.oid::bigint, n.nspname::text, c.relname::text, r.ev_action::text,
    array(
        select distinct array[d.refobjid::bigint, d.refobjsubid::bigint]
        from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
          and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> c.oid
    )
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.ev_type = '1'
where c.relkind in ('v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
"""

_COLUMNS = """
select a.attrelid::bigint, a.attnum::int, n.nspname::text, c.relname::text, a.attname::text
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where a.attrelid = any(%s::oid[]) and a.attnum > 0 and not a.attisdropped
"""

_PART = re.compile(r"(?:\\.|[^\s{}()\\])+|[{}()]", re.DOTALL)

_Place = tuple[int, int]
"""The object id of a relation, and the number of a column; 0 for every column."""


def with_origins(connection: psycopg.Connection[Any], catalog: Catalog) -> Catalog:
    """Return ``catalog`` with the origins of the columns of its materialised views."""
    if not any(table.kind == "m" for table in catalog.values()):
        return catalog
    views = {oid: (action, depends) for oid, _, _, action, depends in connection.execute(_VIEWS)}
    read = {oid for action, _ in views.values() for oid in _relations(action)}
    names: dict[int, dict[int, Origin]] = {}
    for oid, number, *name in connection.execute(_COLUMNS, [sorted(read | views.keys())]):
        names.setdefault(oid, {})[number] = tuple(name)

    def trace(place: _Place, seen: frozenset[_Place]) -> Iterator[Origin]:
        oid, number = place
        if place in seen:
            return
        if number == 0:
            for each in names.get(oid, {}):
                yield from trace((oid, each), seen | {place})
        elif oid not in views:
            yield from filter(None, [names.get(oid, {}).get(number)])
        else:
            for source in _sources(*views[oid], number):
                yield from trace(source, seen | {place})

    return {
        key: replace(
            table,
            columns=tuple(
                replace(column, origins=frozenset(trace((table.oid, column.number), frozenset())))
                for column in table.columns
            ),
        )
        if table.kind == "m"
        else table
        for key, table in catalog.items()
    }


def _sources(action: str, depends: list[_Place], number: int) -> set[_Place]:
    """Return what a column of a view may show: one place if it is a plain copy."""
    copied = _copies(action).get(number)
    if copied:
        return {copied}
    recorded = {(oid, column) for oid, column in depends}
    known = {oid for oid, _ in recorded}
    # What is only recorded as a whole next to columns of its own is named in "from", no more.
    named = {oid for oid, column in recorded if column}
    whole = {(oid, 0) for oid in _relations(action) - known}
    return {place for place in recorded if place[1] or place[0] not in named} | whole


def _relations(action: str) -> set[int]:
    return {int(oid) for oid in re.findall(r":relid (\d+)", action)} - {0}


def _copies(action: str) -> dict[int, _Place]:
    """Return the columns of a parsed query that are copies; a union has none."""
    depth, label, is_list = 0, "", False
    entry: dict[str, int] = {}
    copies = {}
    for part in _PART.findall(action):
        if part in "({":
            depth += 1
            is_list = is_list or (depth == 3 and label == ":targetList")
            if depth == 3 and label == ":setOperations":
                return {}
        elif part in ")}":
            depth -= 1
            if is_list and depth == 3 and entry:
                if entry.get(":resorigtbl") and entry.get(":resorigcol"):
                    copies[entry[":resno"]] = (entry[":resorigtbl"], entry[":resorigcol"])
                entry = {}
            is_list = is_list and depth >= 3
        elif part.startswith(":"):
            label = part
        elif is_list and depth == 4 and label in (":resno", ":resorigtbl", ":resorigcol"):
            entry[label] = int(part)
    return copies
