-- One row per table and materialised view: its name as SQL, and its bytes with indexes and parts.
select
    pg_catalog.quote_ident(namespace.nspname) || '.' || pg_catalog.quote_ident(class.relname),
    greatest(
        pg_catalog.pg_total_relation_size(class.oid),
        (
            select pg_catalog.sum(pg_catalog.pg_total_relation_size(parts.relid))
            from pg_catalog.pg_partition_tree(class.oid) as parts
        )
    )::bigint
from pg_catalog.pg_class as class
inner join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
where
    class.relkind in ('r', 'p', 'm')
    and namespace.nspname not in
    ('pg_catalog', 'information_schema', 'pg_toast', 'sselfie_migrations')
