"""What lint needs to know of the live tables: how big they are, and what is already proven."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sselfie_insights.migrate.actions import Name
from sselfie_insights.postgres import Connection

Key = tuple[str, ...]


@dataclass(frozen=True)
class LiveTables:
    """Facts about a database's tables; every name is (schema, table …).

    Attributes:
        server_version: PostgreSQL's number, e.g. 150018.
        default_schema: Where an unqualified name is looked for.
        bytes_of: Table, or materialised view → bytes with its indexes, partitions included.
        table_of_index: Index → its table.
        type_of: (schema, table, column) → type as PostgreSQL writes it.
        not_null_checks: Columns of which a validated check says that they are not null.
        not_null_by_constraint: (schema, table, constraint) → column, for such checks not validated.
        checked_tables: Tables with a validated check, which an ATTACH may rely on.
    """

    server_version: int
    default_schema: str = "public"
    bytes_of: dict[Key, int] = field(default_factory=dict)
    table_of_index: dict[Key, Key] = field(default_factory=dict)
    type_of: dict[Key, str] = field(default_factory=dict)
    not_null_checks: frozenset[Key] = frozenset()
    not_null_by_constraint: dict[Key, str] = field(default_factory=dict)
    checked_tables: frozenset[Key] = frozenset()

    def qualify(self, name: Name) -> Key:
        """Return ``name`` with its schema."""
        return name if len(name) != 1 else (self.default_schema, *name)


def read_live_tables(connection: Connection, schemas: Sequence[str]) -> LiveTables:
    """Return what is known of all tables that are not PostgreSQL's own."""

    def rows(query: Any) -> list[tuple[Any, ...]]:
        return connection.execute(query).fetchall()

    sizes = rows(
        """
        select
            class.relnamespace::regnamespace::text,
            class.relname,
            greatest(
                pg_total_relation_size(class.oid),
                (
                    select sum(pg_total_relation_size(parts.relid))
                    from pg_partition_tree(class.oid) as parts
                )
            )::bigint
        from pg_catalog.pg_class as class
        where
            class.relkind in ('r', 'p', 'm')
            and class.relnamespace::regnamespace::text
            not in ('pg_catalog', 'information_schema', 'pg_toast')
        """
    )
    indexes = rows(
        """
        select
            class.relnamespace::regnamespace::text,
            class.relname,
            tables.relnamespace::regnamespace::text,
            tables.relname
        from pg_catalog.pg_index as indexes
        join pg_catalog.pg_class as class on class.oid = indexes.indexrelid
        join pg_catalog.pg_class as tables on tables.oid = indexes.indrelid
        where class.relnamespace::regnamespace::text not in ('pg_catalog', 'pg_toast')
        """
    )
    types = rows(
        """
        select
            class.relnamespace::regnamespace::text,
            class.relname,
            attribute.attname,
            format_type(attribute.atttypid, attribute.atttypmod)
        from pg_catalog.pg_attribute as attribute
        join pg_catalog.pg_class as class on class.oid = attribute.attrelid
        where
            attribute.attnum > 0
            and not attribute.attisdropped
            and class.relkind in ('r', 'p')
            and class.relnamespace::regnamespace::text
            not in ('pg_catalog', 'information_schema', 'pg_toast')
        """
    )
    checks = rows(
        """
        select
            class.relnamespace::regnamespace::text,
            class.relname,
            constraints.conname,
            attribute.attname,
            constraints.convalidated,
            pg_get_constraintdef(constraints.oid)
            ~ ('^CHECK \\(\\(+' || quote_ident(attribute.attname) || ' IS NOT NULL\\)+')
        from pg_catalog.pg_constraint as constraints
        join pg_catalog.pg_class as class on class.oid = constraints.conrelid
        left join pg_catalog.pg_attribute as attribute
            on
                attribute.attrelid = class.oid
                and constraints.conkey = array[attribute.attnum]
        where constraints.contype = 'c'
        """
    )
    return LiveTables(
        server_version=connection.info.server_version,
        default_schema=schemas[0],
        bytes_of={(schema, table): size for schema, table, size in sizes},
        table_of_index={
            (schema, index): (table_schema, table) for schema, index, table_schema, table in indexes
        },
        type_of={(schema, table, column): kind for schema, table, column, kind in types},
        not_null_checks=frozenset(
            (schema, table, column)
            for schema, table, _, column, is_valid, says_so in checks
            if is_valid and says_so
        ),
        not_null_by_constraint={
            (schema, table, name): column
            for schema, table, name, column, is_valid, says_so in checks
            if says_so and not is_valid
        },
        checked_tables=frozenset(
            (schema, table) for schema, table, _, _, is_valid, _ in checks if is_valid
        ),
    )
