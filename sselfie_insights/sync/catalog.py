"""What the source database holds: its tables, their columns, keys and fingerprints.

Everything is read from the system catalogs in one statement and without a lock on any table, so
that reading the catalog never waits for, or holds up, a migration of the application.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import psycopg

PAGE_BYTES = 8192

SYSTEM_SCHEMAS = ("pg_catalog", "information_schema", "pg_toast")
"""What is never mirrored, nor what shows it."""

Origin = tuple[str, str, str]
"""Schema, table and column of the source."""


@dataclass(frozen=True)
class SourceColumn:
    """One column of a source table.

    Attributes:
        number: Its ``attnum``, which a rename keeps.
        name: Its name.
        type: Its type as SQL would write it, e.g. ``numeric(10,2)``.
        base: The name of its type in ``pg_catalog`` below any domain, or None of another schema.
        element: The same of its element type, for an array.
        modifier: The type modifier below any domain; -1 without one.
        cast: The SQL type below any domain, or None where the type is no domain.
        signature: A digest of everything that can change its text without changing its rows.
        is_readable: Whether the role may select it.
        origins: Of a materialised view: the columns whose values it may show.
    """

    number: int
    name: str
    type: str
    base: str | None
    element: str | None
    modifier: int
    cast: str | None
    signature: str
    is_readable: bool
    origins: frozenset[Origin] = frozenset()


@dataclass(frozen=True)
class SourceTable:
    """One base table, partitioned table or materialised view of the source.

    Attributes:
        schema: Its schema.
        name: Its name.
        oid: Its object id, which a rename keeps.
        kind: ``r`` table, ``p`` partitioned table or ``m`` materialised view.
        key: The columns of its primary key, or of a unique index without NULLs; else empty.
        columns: Its columns in order.
        storage: The files of it and of its partitions; TRUNCATE and rewrites change them.
        has_children: Whether other tables inherit from it, or are its partitions.
        has_foreign: Whether some of its partitions live on another server.
        is_populated: False for a materialised view that was never refreshed.
        is_filtered: Whether row-level security can hide rows from the role.
        shows_versions: Whether the role may read ``xmin`` and ``ctid``, which a grant on some
            columns alone does not allow.
        bytes: Its size on disk at the last ANALYZE.
    """

    schema: str
    name: str
    oid: int
    kind: str
    key: tuple[str, ...]
    columns: tuple[SourceColumn, ...]
    storage: str
    has_children: bool
    has_foreign: bool
    is_populated: bool
    is_filtered: bool
    shows_versions: bool
    bytes: int

    @property
    def label(self) -> str:
        """``schema.name``, for messages."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def fingerprint(self) -> str:
        """A digest of all that, once changed, makes the table be read again in full."""
        parts = [self.schema, self.name, self.oid, self.kind, self.key]
        if self.has_children:  # rows of one that is attached can be older than the last sync
            parts.append([file.partition(":")[0] for file in self.storage.split(",")])
        columns = [(c.number, c.name, c.signature) for c in self.columns]
        return hashlib.md5(json.dumps([parts, columns]).encode(), usedforsecurity=False).hexdigest()


Catalog = dict[tuple[str, str], SourceTable]
"""The tables of the source by (schema, name)."""


@dataclass(frozen=True)
class LeftOut:
    """A relation of the source that is not mirrored.

    Attributes:
        schema: Its schema.
        name: Its name.
        cause: What keeps it out: the settings, the rights of the role, or what it is.
        reason: That in words.
        documented: The documented name of what it stands for, or seems to; else empty.
    """

    schema: str
    name: str
    cause: Literal["settings", "rights", "kind"]
    reason: str
    documented: str = ""

    @property
    def label(self) -> str:
        """``schema.name``, for messages."""
        return f"{self.schema}.{self.name}"


def read_catalog(connection: psycopg.Connection[Any], schemas: Sequence[str]) -> Catalog:
    """Return every table of ``schemas``, in the order of ``schemas``, then by name."""
    rows = connection.execute(_CATALOG, {"schemas": list(schemas)}).fetchall()
    return {(row[0], row[1]): _table(*row) for row in rows}


def read_left_out(connection: psycopg.Connection[Any], schemas: Sequence[str]) -> list[LeftOut]:
    """Return the relations of ``schemas`` that hold rows, or show some, and are not mirrored."""
    rows = connection.execute(_LEFT_OUT, {"schemas": list(schemas)}).fetchall()
    return [LeftOut(schema, name, "kind", reason) for schema, name, reason in rows]


def list_closed(left_out: Iterable[LeftOut]) -> list[str]:
    """Return the labels of the tables that the role may not read."""
    return [item.label for item in left_out if item.cause == "rights"]


def moved_tables(before: Catalog, after: Catalog) -> list[str]:
    """Return the tables whose rows or columns a snapshot taken in between may not show."""

    def identity(table: SourceTable | None) -> object:
        return table and (table.fingerprint, table.storage, table.is_populated, table.is_filtered)

    keys = before.keys() | after.keys()
    moved = [key for key in keys if identity(before.get(key)) != identity(after.get(key))]
    return sorted(".".join(key) for key in moved)


def _table(schema: str, name: str, *row: Any) -> SourceTable:
    oid, kind, columns, keys, storage, has_children, has_foreign, *flags, pages = row
    # The rows of an inheriting table can repeat a key of its parent.
    key = keys[0] if keys and not (kind == "r" and has_children) else []
    return SourceTable(
        schema=schema,
        name=name,
        oid=oid,
        kind=kind,
        key=tuple(key),
        columns=tuple(SourceColumn(**column) for column in columns or []),
        storage=storage,
        has_children=has_children,
        has_foreign=has_foreign,
        is_populated=flags[0],
        is_filtered=flags[1],
        shows_versions=flags[2],
        bytes=pages * PAGE_BYTES,
    )


_CATALOG = """
with recursive
roots as (
    select c.oid, n.nspname, c.relname, c.relkind, c.relispopulated
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p', 'm')
      and not (c.relpersistence = 'u' and pg_is_in_recovery())
      -- a partition is read through its parent, unless that lies in a schema that is not read
      and not (c.relispartition and exists (
          select from pg_catalog.pg_inherits i
          join pg_catalog.pg_class parent on parent.oid = i.inhparent
          join pg_catalog.pg_namespace pn on pn.oid = parent.relnamespace
          where i.inhrelid = c.oid and pn.nspname = any(%(schemas)s)))
),
family (root, member) as (
    select oid, oid from roots
    union
    select family.root, i.inhrelid
    from family join pg_catalog.pg_inherits i on i.inhparent = family.member
),
storage as (
    select
        root,
        string_agg(
            format('%%s:%%s', c.oid, pg_catalog.pg_relation_filenode(c.oid)), ',' order by c.oid
        ) as files,
        count(*) > 1 as has_children,
        bool_or(c.relkind = 'f') as has_foreign,
        sum(greatest(c.relpages, 0)) as pages
    from family join pg_catalog.pg_class c on c.oid = family.member
    group by root
),
attributes as (
    select a.*
    from roots join pg_catalog.pg_attribute a on a.attrelid = roots.oid
    where a.attnum > 0 and not a.attisdropped
),
parts (root, member) as (  -- a type and every type it is made of
    select distinct atttypid, atttypid from attributes
    union
    select parts.root, made_of.oid
    from parts
    join pg_catalog.pg_type t on t.oid = parts.member
    cross join lateral (
        select t.typelem
        union all select t.typbasetype
        union all select rngsubtype from pg_catalog.pg_range
            where t.oid in (rngtypid, rngmultitypid)
        union all select atttypid from pg_catalog.pg_attribute
            where attrelid = t.typrelid and attnum > 0 and not attisdropped
    ) as made_of (oid)
    where made_of.oid <> 0
),
signatures as (
    select parts.root, string_agg(
        concat_ws(' ', t.oid, t.typname,
            (select string_agg(enumlabel, ',' order by enumsortorder)
             from pg_catalog.pg_enum where enumtypid = t.oid),
            (select string_agg(concat_ws(' ', attnum, atttypid, atttypmod), ',' order by attnum)
             from pg_catalog.pg_attribute
             where attrelid = t.typrelid and attnum > 0 and not attisdropped)),
        ';' order by t.oid) as signature
    from parts join pg_catalog.pg_type t on t.oid = parts.member
    group by parts.root
),
bases (root, oid, modifier, is_domain) as (  -- the type below any domain
    select t.oid, t.oid, -1, false
    from pg_catalog.pg_type t where t.oid in (select atttypid from attributes)
    union all
    select
        bases.root, t.typbasetype,
        case when bases.modifier = -1 then t.typtypmod else bases.modifier end, true
    from bases join pg_catalog.pg_type t on t.oid = bases.oid
    where t.typtype = 'd'
),
columns as (
    select a.attrelid, json_agg(json_build_object(
        'number', a.attnum,
        'name', a.attname,
        'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'base', case when t.typnamespace = 'pg_catalog'::regnamespace then t.typname end,
        'element', case when t.typcategory = 'A' and e.typnamespace = 'pg_catalog'::regnamespace
            and e.typtype = 'b' then e.typname end,
        'modifier', case when bases.is_domain then bases.modifier else a.atttypmod end,
        'cast', case when bases.is_domain
            then pg_catalog.format_type(bases.oid, bases.modifier) end,
        'signature', md5(concat_ws(' ', a.atttypmod, signatures.signature, a.attgenerated,
            d.adbin::text)),
        -- NULL of a column that was dropped just now: its read will show
        'is_readable', coalesce(has_column_privilege(a.attrelid, a.attnum, 'select'), true)
    ) order by a.attnum) as columns
    from attributes a
    join signatures on signatures.root = a.atttypid
    join bases on bases.root = a.atttypid
    join pg_catalog.pg_type t on t.oid = bases.oid and t.typtype <> 'd'
    left join pg_catalog.pg_type e on e.oid = t.typelem
    -- an ordinary default says nothing of the rows that are there
    left join pg_catalog.pg_attrdef d
        on d.adrelid = a.attrelid and d.adnum = a.attnum and a.attgenerated <> ''
    group by a.attrelid
),
keys as (
    select i.indrelid, json_agg(k.names order by i.indisprimary desc, i.indnkeyatts, i.indexrelid)
        as keys
    from pg_catalog.pg_index i
    cross join lateral (
        select json_agg(a.attname order by part.position) as names, bool_and(a.attnotnull) as filled
        from unnest(i.indkey::int2[]) with ordinality as part (number, position)
        join attributes a on a.attrelid = i.indrelid and a.attnum = part.number
        where part.position <= i.indnkeyatts
    ) as k
    where i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null and k.filled
    group by i.indrelid
)
select
    roots.nspname, roots.relname, roots.oid::bigint, roots.relkind::text, columns.columns,
    keys.keys, storage.files, storage.has_children, storage.has_foreign, roots.relispopulated,
    row_security_active(roots.oid),
    has_column_privilege(roots.oid, 'xmin', 'select')
        and has_column_privilege(roots.oid, 'ctid', 'select'),
    storage.pages::bigint
from roots
join storage on storage.root = roots.oid
left join columns on columns.attrelid = roots.oid
left join keys on keys.indrelid = roots.oid
order by array_position(%(schemas)s, roots.nspname::text), roots.relname
"""

_LEFT_OUT = """
select n.nspname::text, c.relname::text, case c.relkind
    when 'v' then 'a view: it has no rows of its own'
    when 'f' then 'a foreign table: its rows live on another server'
    else 'an unlogged table: a standby has none of its rows' end
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and not c.relispartition and (
    c.relkind in ('v', 'f')
    or c.relkind in ('r', 'p') and c.relpersistence = 'u' and pg_is_in_recovery())
order by array_position(%(schemas)s, n.nspname::text), c.relname
"""
