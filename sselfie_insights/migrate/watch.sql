-- What the scratch copy needs so that its changes can be seen. Everybody may write the events, as
-- a file may set another role; the triggers fire on empty tables, and in functions and CTEs too.
create schema sselfie_watch;

-- One row per statement that wrote a table of the copy, by any way.
create table sselfie_watch.events (
    number bigint primary key generated always as identity,
    relation oid not null,
    operation text not null
);

create function sselfie_watch.note() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into sselfie_watch.events (relation, operation) values (tg_relid, tg_op);
    return null;
end
$$;

-- One row per object that somebody may use, or that belongs to a table: what it is called now, the
-- table or type it is part of, the file that holds its rows, and what else matters of it.
create view sselfie_watch.objects as
with user_relations as (
    select class.*
    from pg_catalog.pg_class as class
    inner join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
    where
        class.oid >= 16384
        and namespace.nspname not in ('sselfie_watch', 'pg_toast', 'information_schema')
)
select
    'schema' as kind, oid, 0::bigint as part, nspname::text as name, null::oid as owner, 0::oid as file,
    '' as detail
from pg_catalog.pg_namespace
where oid >= 16384 and nspname not in ('sselfie_watch', 'pg_toast') and nspname !~ '^pg_temp_'
union all
select
    case relkind
        when 'r' then 'table' when 'p' then 'table' when 'v' then 'view'
        when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table'
        when 'c' then 'composite type' else 'index'
    end,
    class.oid, 0, class.relnamespace::regnamespace || '.' || pg_catalog.quote_ident(class.relname),
    indexes.indrelid, class.relfilenode, ''
from user_relations as class
left join pg_catalog.pg_index as indexes on indexes.indexrelid = class.oid
union all
select
    'column', attribute.attrelid, attribute.attnum, pg_catalog.quote_ident(attribute.attname),
    attribute.attrelid, 0,
    pg_catalog.concat_ws(
        ' ', attribute.atttypid, attribute.atttypmod, attribute.attgenerated::text,
        attribute.attcollation,
        case when attribute.attnotnull then 'filled' end
    )
from pg_catalog.pg_attribute as attribute
inner join user_relations as class on class.oid = attribute.attrelid
where
    attribute.attnum > 0 and not attribute.attisdropped
    and class.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
union all
select
    'constraint', oid, 0, pg_catalog.quote_ident(conname), nullif(conrelid, 0), 0,
    pg_catalog.concat_ws(
        ' ', contype::text, coalesce(conkey[1], 0), conindid, pg_catalog.pg_get_constraintdef(oid)
    )
from pg_catalog.pg_constraint
where oid >= 16384 and contype <> 't'
union all
select
    case typtype when 'd' then 'domain' else 'type' end, oid, 0,
    typnamespace::regnamespace || '.' || pg_catalog.quote_ident(typname), null, 0, ''
from pg_catalog.pg_type
where oid >= 16384 and typtype in ('b', 'd', 'e', 'r') and typcategory <> 'A'
union all
select 'enum value', oid, 0, pg_catalog.quote_literal(enumlabel), enumtypid, 0, ''
from pg_catalog.pg_enum
where oid >= 16384
union all
select
    'function', oid, 0, pronamespace::regnamespace || '.' || pg_catalog.quote_ident(proname), null,
    0, ''
from pg_catalog.pg_proc
where oid >= 16384 and pronamespace <> 'sselfie_watch'::regnamespace
union all
select
    case when tgisinternal then 'internal trigger' else 'trigger' end, oid, 0,
    pg_catalog.quote_ident(tgname), tgrelid, 0, tgenabled::text
from pg_catalog.pg_trigger
where oid >= 16384
union all
select 'rule', oid, 0, pg_catalog.quote_ident(rulename), ev_class, 0, ev_enabled::text
from pg_catalog.pg_rewrite
where oid >= 16384 and rulename <> '_RETURN'
union all
select 'policy', oid, 0, pg_catalog.quote_ident(polname), polrelid, 0, ''
from pg_catalog.pg_policy
where oid >= 16384
union all
select 'partition', inhrelid, inhparent::bigint, inhrelid::regclass::text, inhparent, 0, ''
from pg_catalog.pg_inherits
union all
select 'statistics', oid, 0, pg_catalog.quote_ident(stxname), stxrelid, 0, ''
from pg_catalog.pg_statistic_ext
where oid >= 16384
union all
select 'cast', oid, 0, castsource::regtype || ' as ' || casttarget::regtype, null, 0, ''
from pg_catalog.pg_cast
where oid >= 16384
union all
select 'operator', oid, 0, oprnamespace::regnamespace || '.' || oprname, null, 0, ''
from pg_catalog.pg_operator
where oid >= 16384
union all
select 'collation', oid, 0, collnamespace::regnamespace || '.' || collname, null, 0, ''
from pg_catalog.pg_collation
where oid >= 16384
union all
select 'extension', oid, 0, extname::text, null, 0, ''
from pg_catalog.pg_extension
where oid >= 16384
union all
select 'publication', oid, 0, pubname::text, null, 0, ''
from pg_catalog.pg_publication
union all
select 'foreign server', oid, 0, srvname::text, null, 0, ''
from pg_catalog.pg_foreign_server
union all
select 'event trigger', oid, 0, evtname::text, null, 0, evtenabled::text
from pg_catalog.pg_event_trigger
union all
select 'text search configuration', oid, 0, cfgname::text, null, 0, ''
from pg_catalog.pg_ts_config
where oid >= 16384
union all
select 'role', oid, 0, rolname::text, null, 0, ''
from pg_catalog.pg_roles
where oid >= 16384 or rolname !~ '^pg_';

-- One row: how many catalog rows this transaction has added, changed and removed so far, the locks
-- it holds on what is not PostgreSQL's own, with the scans of that, and the events after a number.
create function sselfie_watch.pulse(
    last_event bigint,
    out added bigint, out changed bigint, out removed bigint, out locks json, out events json
)
language sql volatile set search_path = pg_catalog, pg_temp
as $$
    select
        sum(pg_stat_get_xact_tuples_inserted(oid)),
        sum(pg_stat_get_xact_tuples_updated(oid) + pg_stat_get_xact_tuples_deleted(oid)),
        sum(pg_stat_get_xact_tuples_deleted(oid)),
        (
            select json_agg(
                distinct array[relation::text, mode, pg_stat_get_xact_numscans(relation)::text]
            )
            from pg_locks
            where pid = pg_backend_pid() and locktype = 'relation' and relation >= 16384
        ),
        (
            select json_agg(json_build_array(number, relation::bigint, operation) order by number)
            from sselfie_watch.events
            where number > last_event
        )
    from unnest(
        '{pg_namespace, pg_class, pg_attribute, pg_constraint, pg_type, pg_enum, pg_proc, pg_trigger,
        pg_rewrite, pg_policy, pg_inherits, pg_statistic_ext, pg_cast, pg_operator, pg_collation,
        pg_extension, pg_publication, pg_foreign_server, pg_event_trigger, pg_ts_config, pg_authid,
        pg_depend}'::regclass[]
    ) as catalog (oid)
$$;

-- For a change that views forbid: what would it do without them?
create function sselfie_watch.drop_views() returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    view record;
begin
    for view in
        select oid::regclass as name, case relkind when 'm' then 'materialized view' else 'view' end
            as kind
        from pg_class
        where
            relkind in ('v', 'm') and oid >= 16384
            and relnamespace::regnamespace::text not in ('sselfie_watch', 'information_schema')
    loop
        execute format('drop %s if exists %s cascade', view.kind, view.name);
    end loop;
end
$$;

grant usage on schema sselfie_watch to public;
grant select on all tables in schema sselfie_watch to public;

create function sselfie_watch.attach() returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    relation oid;
    is_watched boolean;
begin
    for relation, is_watched in
        select class.oid, known.oid is not null
        from pg_class as class
        left join pg_trigger as known
            on known.tgrelid = class.oid and known.tgname = 'sselfie_watch'
        where
            class.relkind in ('r', 'p') and class.oid >= 16384
            and class.relnamespace::regnamespace::text
            not in ('sselfie_watch', 'information_schema')
            and known.tgenabled is distinct from 'A'
    loop
        if not is_watched then
            execute format(
                'create trigger sselfie_watch after insert or update or delete or truncate on %s'
                ' for each statement execute function sselfie_watch.note()', relation::regclass
            );
        end if;
        execute format('alter table %s enable always trigger sselfie_watch', relation::regclass);
    end loop;
end
$$;
