-- One row per index of a relation, or of the table of an index, or of any without one; of one name,
-- if it is given: its schema and name, whether it is valid, what it is, and the process that builds it
-- now.
select
    namespace.nspname,
    class.relname,
    indexes.indisvalid,
    pg_catalog.pg_get_indexdef(indexes.indexrelid),
    building.pid
from pg_catalog.pg_index as indexes
inner join pg_catalog.pg_class as class on class.oid = indexes.indexrelid
inner join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
left join pg_catalog.pg_stat_progress_create_index as building
    on building.index_relid = indexes.indexrelid
where
    (
        %(relation)s::bigint is null
        or indexes.indrelid = coalesce(
            (select indrelid from pg_catalog.pg_index where indexrelid = %(relation)s::bigint),
            %(relation)s::bigint
        )
    )
    and (
        %(name)s::text is null
        or class.relname = (
            select parts.names[pg_catalog.cardinality(parts.names)]
            from pg_catalog.parse_ident(%(name)s::text) as parts (names)
        )
    )
order by class.relname
