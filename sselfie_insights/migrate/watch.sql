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
-- table or type it is part of, the file that holds its rows, and what else matters of it: type,
-- modifier, generation, collation, not-nullness and default of a column; kind, first column, index and text of
-- a constraint; whether a trigger or rule is enabled, a policy permissive, a role may log in; kind,
-- arguments, result and rights of a function; rights, options and row security of a relation; and
-- settings.
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
    '{}'::text[] as detail
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
    indexes.indrelid, class.relfilenode,
    array[
        class.relacl::text, class.reloptions::text, class.relrowsecurity::text,
        class.relforcerowsecurity::text
    ]
from user_relations as class
left join pg_catalog.pg_index as indexes on indexes.indexrelid = class.oid
union all
select
    'column', attribute.attrelid, attribute.attnum, pg_catalog.quote_ident(attribute.attname),
    attribute.attrelid, 0,
    array[
        attribute.atttypid::text, attribute.atttypmod::text, attribute.attgenerated::text,
        attribute.attcollation::text, attribute.attnotnull::text,
        (attribute.atthasdef or attribute.attidentity <> '')::text
    ]
from pg_catalog.pg_attribute as attribute
inner join user_relations as class on class.oid = attribute.attrelid
where
    attribute.attnum > 0 and not attribute.attisdropped
    and class.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
union all
select
    'constraint', oid, 0, pg_catalog.quote_ident(conname), nullif(conrelid, 0), 0,
    array[contype::text, conkey[1]::text, conindid::text, pg_catalog.pg_get_constraintdef(oid)]
from pg_catalog.pg_constraint
where oid >= 16384 and contype <> 't'
union all
select
    case typtype when 'd' then 'domain' else 'type' end, oid, 0,
    typnamespace::regnamespace || '.' || pg_catalog.quote_ident(typname), null, 0,
    array[typbasetype::regtype::text]
from pg_catalog.pg_type
where oid >= 16384 and typtype in ('b', 'd', 'e', 'r') and typcategory <> 'A'
union all
select 'enum value', oid, 0, pg_catalog.quote_literal(enumlabel), enumtypid, 0, '{}'
from pg_catalog.pg_enum
where oid >= 16384
union all
select
    'function', oid, 0, pronamespace::regnamespace || '.' || pg_catalog.quote_ident(proname), null,
    0,
    array[
        prokind::text, pg_catalog.oidvectortypes(proargtypes),
        pg_catalog.pg_get_function_result(oid), proacl::text
    ]
from pg_catalog.pg_proc
where oid >= 16384 and pronamespace <> 'sselfie_watch'::regnamespace
union all
select
    case when tgisinternal then 'internal trigger' else 'trigger' end, oid, 0,
    pg_catalog.quote_ident(tgname), tgrelid, 0, array[tgenabled::text]
from pg_catalog.pg_trigger
where oid >= 16384
union all
select 'rule', oid, 0, pg_catalog.quote_ident(rulename), ev_class, 0, array[ev_enabled::text]
from pg_catalog.pg_rewrite
where oid >= 16384 and rulename <> '_RETURN'
union all
select
    'policy', oid, 0, pg_catalog.quote_ident(polname), polrelid, 0, array[polpermissive::text]
from pg_catalog.pg_policy
where oid >= 16384
union all
select 'partition', inhrelid, inhparent::bigint, inhrelid::regclass::text, inhparent, 0, '{}'
from pg_catalog.pg_inherits
union all
select 'statistics', oid, 0, pg_catalog.quote_ident(stxname), stxrelid, 0, '{}'
from pg_catalog.pg_statistic_ext
where oid >= 16384
union all
select named.type, objects.objid, 0, named.identity, null, 0, '{}'
from (
    select classid, objid from pg_catalog.pg_depend
    union
    select classid, objid
    from pg_catalog.pg_shdepend
    inner join pg_catalog.pg_database on pg_database.oid = dbid and datname = current_database()
) as objects
cross join lateral pg_catalog.pg_identify_object(objects.classid, objects.objid, 0) as named
where
    objects.objid >= 16384
    and objects.classid::regclass::text in (
        'pg_am', 'pg_cast', 'pg_collation', 'pg_conversion', 'pg_extension',
        'pg_foreign_data_wrapper', 'pg_foreign_server', 'pg_language', 'pg_opclass',
        'pg_operator', 'pg_opfamily', 'pg_transform', 'pg_ts_config', 'pg_ts_dict',
        'pg_ts_parser', 'pg_ts_template', 'pg_user_mapping'
    )
union all
select 'publication', oid, 0, pubname::text, null, 0, '{}'
from pg_catalog.pg_publication
union all
select 'event trigger', oid, 0, evtname::text, null, 0, array[evtenabled::text]
from pg_catalog.pg_event_trigger
union all
select 'role', oid, 0, rolname::text, null, 0, array[rolcanlogin::text]
from pg_catalog.pg_roles
where oid >= 16384 or rolname !~ '^pg_'
union all
select
    'database', oid, 0, datname::text, null, 0,
    array[datallowconn::text, datconnlimit::text, datdba::text]
from pg_catalog.pg_database
where datname = current_database()
union all
select
    'setting', setrole, setdatabase::bigint,
    concat_ws(' in ', coalesce(rolname, 'every role'), coalesce(datname, 'every database')),
    null, 0, setconfig
from pg_catalog.pg_db_role_setting
left join pg_catalog.pg_database on pg_database.oid = setdatabase
left join pg_catalog.pg_roles on pg_roles.oid = setrole
where setdatabase = 0 or datname = current_database();

create function sselfie_watch.part_text(name text, detail text[]) returns text
language sql immutable set search_path = pg_catalog, pg_temp
return concat_ws(' ', name, detail[1], detail[2], detail[4]);

-- One row per object as it was before the statement that runs, and what it was called when others
-- began to see it: null for what they cannot see yet.
create table sselfie_watch.state as
select *, name as known_as from sselfie_watch.objects
with no data;

alter table sselfie_watch.state add primary key (oid, kind, part);

-- One row per object that a transaction has dropped: what was said of it, and its columns or labels.
-- A table or view that it has renamed counts as a view, because one may take its place.
create table sselfie_watch.gone as
select pg_catalog.pg_current_xact_id() as transaction, kind, name, owner, detail,
    null::text as message, null::text[] as parts
from sselfie_watch.objects
with no data;

create view sselfie_watch.relations as
select oid, coalesce(known_as, name) as name, known_as is not null as is_known
from sselfie_watch.state
where kind in ('table', 'materialized view', 'view', 'foreign table', 'composite type', 'sequence');

-- One row per lock of a session on a relation that others can see, or on an index of one: its name
-- is that of the relation.
create function sselfie_watch.locks(
    session integer, out relation oid, out name text, out mode text, out is_index boolean
) returns setof record
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select locks.relation, relations.name, locks.mode, state.kind = 'index'
    from pg_locks as locks
    inner join sselfie_watch.state on state.oid = locks.relation
    inner join sselfie_watch.relations
        on relations.oid = case state.kind when 'index' then state.owner else state.oid end
    where
        locks.pid = session and locks.locktype = 'relation' and state.known_as is not null
        and state.kind in ('table', 'view', 'materialized view', 'foreign table', 'index')
$$;

-- One row per write after a number, in order; without a name where others cannot see the relation.
create function sselfie_watch.writes(
    since bigint, out number bigint, out name text, out operation text
) returns setof record
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select events.number, relations.name, events.operation
    from sselfie_watch.events
    left join sselfie_watch.relations on relations.oid = events.relation and is_known
    where events.number > since
    order by events.number
$$;

-- One row: how many catalog rows this transaction has added, changed and removed so far, the locks
-- it holds, each with the scans of its relation, and what was written after a number. What belongs to
-- a relation changes only under a lock on it, so that new relations alone are no change, unless they
-- may take the place of what this transaction has dropped.
create function sselfie_watch.pulse(
    since bigint,
    out added bigint, out changed bigint, out removed bigint, out locks json, out writes json
)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    is_locked boolean := exists (
        select from sselfie_watch.gone where transaction = pg_current_xact_id_if_assigned()
    ) or exists (
        select from pg_locks as locks
        inner join sselfie_watch.state on state.oid = locks.relation and state.part = 0
        where
            locks.pid = pg_backend_pid() and state.known_as is not null
            and locks.mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
    );
begin
    select
        sum(pg_stat_get_xact_tuples_inserted(oid)),
        sum(pg_stat_get_xact_tuples_updated(oid)) filter (where is_locked or not is_of_relation)
        -- What is added here changes a role or database that is there.
        + pg_stat_get_xact_tuples_inserted('pg_db_role_setting'::regclass),
        sum(pg_stat_get_xact_tuples_deleted(oid))
    into added, changed, removed
    from (
        select unnest(
            '{pg_class, pg_attribute, pg_trigger, pg_rewrite, pg_policy, pg_inherits,
            pg_statistic_ext}'::regclass[]
        ), true
        union all
        select unnest(
            '{pg_namespace, pg_constraint, pg_type, pg_enum, pg_proc, pg_cast, pg_operator,
            pg_collation, pg_extension, pg_publication, pg_foreign_server, pg_event_trigger,
            pg_ts_config, pg_ts_dict, pg_ts_parser, pg_ts_template, pg_foreign_data_wrapper,
            pg_opclass, pg_opfamily, pg_conversion, pg_language, pg_authid, pg_database,
            pg_db_role_setting, pg_depend}'::regclass[]
        ), false
    ) as catalogs (oid, is_of_relation);
    locks := (
        select json_agg(
            json_build_array(
                relation::bigint, name, mode, is_index, pg_stat_get_xact_numscans(relation)
            )
        )
        from sselfie_watch.locks(pg_backend_pid())
    );
    writes := (
        select json_agg(json_build_array(number, name, operation))
        from sselfie_watch.writes(since)
    );
end
$$;

-- The plan of a statement, under the search path and role of the file; null if it has none.
create function sselfie_watch.explain(statement text) returns jsonb
language plpgsql
as $$
declare
    plan json;
begin
    execute pg_catalog.concat('explain (format json, verbose) ', statement) into plan;
    return plan;
exception when others then
    return null;
end
$$;

-- One row per relation that a plan reads, and per relation that it changes, if it inserts or if
-- conditions choose the rows: those where the relation is scanned, and those of the joins on the way
-- there that mention it, unless the join keeps its rows anyhow.
create function sselfie_watch.read_plan(
    plan jsonb, out name text, out is_read boolean, out is_bounded boolean
) returns setof record
language sql stable set search_path = pg_catalog, pg_temp
as $$
    with recursive nodes (node, target, conditions) as (
        select plan -> 0 -> 'Plan', null::jsonb, '{}'::jsonb[]
        union all
        select
            child,
            case
                when child ->> 'Parent Relationship' in ('InitPlan', 'SubPlan') then null
                when node ->> 'Node Type' = 'ModifyTable' then node - 'Plans'
                else target
            end,
            case
                when node ->> 'Node Type' = 'ModifyTable' then '{}'
                when node ? 'Join Type' and coalesce(
                    array[node ->> 'Join Type', child ->> 'Parent Relationship']
                    not in ('{Left, Outer}', '{Right, Inner}', '{Full, Outer}', '{Full, Inner}'), true
                ) then conditions || node
                else conditions
            end
        from nodes
        cross join jsonb_array_elements(node -> 'Plans') as children (child)
    ),
    scans as (
        select
            target, node,
            array[node ->> 'Schema', node ->> 'Relation Name']
            = array[target ->> 'Schema', target ->> 'Relation Name'] as is_same_relation,
            node ->> 'Alias' ~ ('^' || names.pattern || '(_[0-9]+)?$') as is_same_alias,
            exists (
                select from jsonb_object_keys(node) as keys (key)
                where key ~ '(Cond|Filter)$' and key <> 'One-Time Filter'
            ) or exists (
                select from unnest(conditions) as joins (joined)
                cross join jsonb_path_query(
                    joined, '$.** ? (@.type() == "object").keyvalue()
                    ? (@.key like_regex "(Cond|Filter)$").value'
                ) as found (condition)
                where condition #>> '{}' ~ ('(?<![\w"])"?' || names.pattern || '(_[0-9]+)?"?\.')
            ) as is_bounded
        from nodes
        cross join regexp_replace(target ->> 'Alias', '(\W)', '\\\1', 'g') as names (pattern)
        where target is not null and node ? 'Relation Name'
    ),
    used (node, is_read, is_bounded) as (
        select node, true, false from nodes where node ->> 'Node Type' <> 'ModifyTable'
        union all
        select node, false, true from nodes where node ->> 'Operation' = 'Insert'
        union all
        select modified.node, false, true
        from nodes as modified
        left join scans on scans.target = modified.node - 'Plans'
        where modified.node ->> 'Node Type' = 'ModifyTable'
        group by modified.node
        having coalesce(
            bool_and(is_bounded) filter (where is_same_alias),
            bool_and(is_bounded) filter (where is_same_relation), true
        )
    )
    select distinct relations.name, is_read, is_bounded
    from used
    inner join sselfie_watch.relations
        on relations.oid = to_regclass(
            quote_ident(node ->> 'Schema') || '.' || quote_ident(node ->> 'Relation Name')
        )
$$;

-- The functions in a plan that may do anything, and do nothing where there are no rows.
create function sselfie_watch.list_calls(plan jsonb) returns text
language sql stable set search_path = pg_catalog, pg_temp
return (
    select string_agg(distinct proname::text, ', ')
    from pg_proc
    where
        oid >= 16384 and provolatile = 'v'
        and pronamespace <> 'sselfie_watch'::regnamespace
        and strpos(replace(plan::text, '\"', ''), proname || '(') > 0
        and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
);

-- One row per rule that a statement breaks by what it changed in the catalog, with the relation it
-- is about; what it has changed is the state of the next one. Sees as its owner, whatever role a
-- file has set.
--     since      the last event before it
--     is_alone   whether it manages its own transaction
--     is_locked  whether others cannot write some table
--     notices    what the server said meanwhile, at DEBUG1
--     suspects   tables that are read whole if nothing said says otherwise
create function sselfie_watch.compare(
    since bigint, is_alone boolean, is_locked boolean, notices text[], suspects text[]
) returns table (rule text, message text, name text)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    now sselfie_watch.objects[] := array(select objects from sselfie_watch.objects);
    restored oid[];
begin
    insert into sselfie_watch.gone
    select
        pg_current_xact_id(), case when new.oid is null then old.kind else 'view' end, old.name,
        old.owner, old.detail,
        concat(
            old.kind, ' ', relations.name || '.', old.name,
            coalesce(' is called ' || new.name, ' is gone')
        ),
        array(
            select sselfie_watch.part_text(part.name, part.detail) from sselfie_watch.state as part
            where part.owner = old.oid and part.kind in ('column', 'enum value')
        )
    from sselfie_watch.state as old
    left join sselfie_watch.relations on relations.oid = old.owner
    left join unnest(now) as new
        on (new.kind, new.oid, new.part) = (old.kind, old.oid, old.part)
    where
        old.known_as is not null and old.part = 0
        and (new.oid is null or old.kind ~ '(table|view)$' and new.name <> old.name);
    -- What CREATE OR REPLACE or ALTER would have done, had there been one.
    restored := array(
        select new.oid
        from unnest(now) as new
        inner join sselfie_watch.gone
            on (gone.kind, gone.name) = (new.kind, new.name)
            and gone.owner is not distinct from new.owner
        where
            gone.transaction = pg_current_xact_id()
            and not exists (
                select from sselfie_watch.state as old
                where
                    (old.kind, old.oid, old.part) = (new.kind, new.oid, new.part)
                    and old.known_as is not null
            )
            and (
                new.kind in ('trigger', 'rule', 'policy', 'statistics', 'constraint')
                and gone.detail[1] is not distinct from new.detail[1]
                or new.kind in ('view', 'function', 'type', 'domain', 'composite type', 'schema')
                and (
                    gone.detail is not distinct from new.detail
                    -- The options of a table are not those of a view.
                    or gone.message like '% is called %'
                    and gone.detail[1] is not distinct from new.detail[1]
                    and gone.detail[3:4] = new.detail[3:4]
                )
                and gone.parts <@ array(
                    select sselfie_watch.part_text(part.name, part.detail)
                    from unnest(now) as part
                    where part.owner = new.oid and part.kind in ('column', 'enum value')
                )
            )
    );
    return query
    with changes as materialized (
        select
            coalesce(old.kind, new.kind) as kind, coalesce(old.oid, new.oid) as oid,
            coalesce(old.part, new.part) as part, coalesce(old.owner, new.owner) as owner,
            old.oid is not null and new.oid is null as is_gone,
            old.oid is null and new.oid <> all (restored) as is_new,
            old.known_as is not null and new.oid is not null as is_kept,
            old.known_as is not null as is_known,
            old.name as old_name, new.name as new_name, old.file as old_file,
            new.file as new_file, old.detail as old, new.detail as new
        from sselfie_watch.state as old
        full join unnest(now) as new using (kind, oid, part)
        where (old.name, old.file, old.detail) is distinct from (new.name, new.file, new.detail)
    ),
    relations as (
        select oid, name, is_known from sselfie_watch.relations
        union all
        select oid, new_name, false from changes
        where is_new and kind in ('table', 'materialized view', 'view', 'foreign table')
    ),
    gone as (
        select
            changes.*, relations.name as relation,
            concat_ws('.', relations.name, old_name) as place,
            exists (
                select from changes as other
                where other.oid = changes.owner and other.is_gone and other.part = 0
            ) as is_gone_with_relation
        from changes
        left join relations on relations.oid = changes.owner
        where is_gone and changes.is_known
    ),
    kept as (
        select changes.*, relations.name as relation,
            concat_ws('.', relations.name, old_name) as place
        from changes
        left join relations on relations.oid = changes.owner
        where is_kept
    ),
    emptied as (
        select relation from sselfie_watch.events where number > since and operation = 'TRUNCATE'
    ),
    rewritten as (
        select kept.oid, relations.name
        from kept
        inner join relations using (oid)
        where
            kept.kind in ('table', 'materialized view') and old_file <> new_file
            and oid not in (select relation from emptied)
    ),
    dropped as (
        select 'dropping-object', kind || ' ' || place || ' is gone', relation
        from gone
        where
            kind not in ('internal trigger', 'index', 'partition')
            and not is_gone_with_relation and old_name <> 'sselfie_watch'
            and not exists (
                select from changes as other
                where
                    other.oid = any (restored)
                    and (other.kind, other.new_name) = (gone.kind, gone.old_name)
                    and other.owner is not distinct from gone.owner
            )
            -- A constraint that a column is filled says nothing of one that is.
            and not (
                kind = 'constraint' and (
                    old[1] = 'n'
                    or old[1] = 'c' and old[4] ~ '^CHECK \(\(\S+ IS NOT NULL\)\)'
                    and exists (
                        select from unnest(now) as filled
                        where
                            filled.kind = 'column' and filled.oid = gone.owner
                            and filled.part::text = old[2] and filled.detail[5]::boolean
                    )
                )
            )
    ),
    back as (
        select 'restored', gone.message, null
        from sselfie_watch.gone
        inner join changes
            on (changes.kind, changes.new_name) = (gone.kind, gone.name)
            and changes.owner is not distinct from gone.owner
        where changes.oid = any (restored) and gone.transaction = pg_current_xact_id()
        union all
        select 'restored', 'row security changes who sees rows of ' || relations.name, null
        from changes
        inner join relations on relations.oid = changes.owner
        where changes.kind = 'policy' and changes.is_new and changes.new[1]::boolean
    ),
    renamed as (
        select
            'renaming-object', kind || ' ' || place || ' is called ' || new_name,
            relation
        from kept
        where
            old_name <> new_name and kind not in
            ('constraint', 'trigger', 'rule', 'policy', 'statistics', 'index', 'partition')
    ),
    altered as (
        select 'dropping-object', place || ' is computed no longer', relation
        from kept
        where kind = 'column' and old[3] <> '' and new[3] = ''
        union all
        select
            'dropping-object',
            'rows without ' || concat_ws('.', relations.name, new_name) || ' are refused',
            relations.name
        from changes
        inner join relations on relations.oid = changes.owner and relations.is_known
        where
            kind = 'column' and old[6]::boolean and new[5:6] = '{true, false}' and new[3] = old[3]
        union all
        select
            'narrowing-column-type', 'what does not fit ' || place || ' is cut off, or fails',
            relation
        from kept
        where
            kind = 'column' and old[1:2] <> new[1:2] and new[2] <> '-1'
            and owner in (select oid from rewritten)
        union all
        select 'changing-collation', place || ' is compared and sorted otherwise', relation
        from kept
        where kind = 'column' and old[1] = new[1] and old[4] <> new[4]
        union all
        select distinct
            'dropping-object',
            'triggers or rules of ' || coalesce(relation, place) || ' are disabled', relation
        from kept
        where
            kind in ('trigger', 'internal trigger', 'event trigger', 'rule')
            and new[1] in ('D', 'R') and old[1] not in ('D', 'R')
        union all
        select 'dropping-object', 'row security changes who sees rows of ' || place, place
        from kept
        where
            kind = 'table' and old[3:4] <> new[3:4]
            and not exists (
                select from unnest(now) as policy
                where
                    policy.kind = 'policy' and policy.owner = kept.oid
                    and policy.detail[1]::boolean and old[3:4] < new[3:4]
            )
        union all
        select 'dropping-object', 'role ' || place || ' may not log in any longer', null
        from kept
        where kind = 'role' and old[1]::boolean and not new[1]::boolean
        union all
        select distinct
            'unjudged',
            kind || ' ' || coalesce(old_name, new_name) || ' reaches beyond what was copied', null
        from changes
        where
            kind = 'database' and is_kept
            or kind = 'setting' and (
                oid = 0 or exists (
                    select from sselfie_watch.state as role
                    where
                        role.kind = 'role' and role.oid = changes.oid and role.known_as is not null
                        -- What connects as the reader is this toolkit, and no application.
                        and role.known_as <> 'sselfie_reader'
                )
            )
    ),
    shut as (
        select
            case kind
                when 'index' then 'require-concurrent-index-deletion' else 'detaching-partition'
            end,
            'everybody waits for ' || relation, relation
        from gone
        where
            not is_alone and not is_gone_with_relation
            and (
                kind = 'index'
                and not exists (
                    select from sselfie_watch.state as used
                    where used.kind = 'constraint' and used.detail[3] = gone.oid::text
                )
                -- An index of that name is there again when the type of its column changes.
                and not exists (
                    select from changes as other
                    where
                        other.is_new and other.kind = 'index' and other.new_name = gone.old_name
                )
                or kind = 'partition' and not exists (
                    select from changes as other
                    where other.is_gone and other.oid = gone.oid and other.part = 0
                )
            )
        union all
        select
            'creating-trigger', 'nobody writes ' || relations.name || ' meanwhile', relations.name
        from changes
        inner join relations on relations.oid = changes.owner and relations.is_known
        where is_new and kind in ('trigger', 'rule')
    ),
    built as (
        select
            case
                when bool_or(is_kept) then 'require-concurrent-reindex'
                else 'require-concurrent-index-creation'
            end,
            'an index of ' || relations.name || ' is built', relations.name
        from changes
        inner join relations on relations.oid = changes.owner and relations.is_known
        where
            is_locked and kind = 'index' and (is_new or is_kept) and new_file <> 0
            and new_file not in (select file from sselfie_watch.state)
            and owner not in (
                select oid from rewritten union all select relation from emptied
            )
        group by relations.name
    ),
    scanned as (
        select relations.name
        from sselfie_watch.relations
        inner join sselfie_watch.state using (oid)
        where
            -- A partitioned table has no file, and no rows but those of its parts.
            relations.name = any (suspects) and state.part = 0 and state.file <> 0
            and not exists (
                select from unnest(notices) as said (text)
                where text like '%implied by existing constraints%'
            )
        union
        select held.name
        from sselfie_watch.locks(pg_backend_pid()) as held
        inner join pg_class as class on class.oid = held.relation
        where
            format('verifying table "%s"', class.relname) = any (notices)
            or exists (
                select from unnest(now) as new
                where
                    new.kind = 'constraint' and new.owner = class.oid
                    and (select conname from pg_constraint where oid = new.oid) = any (
                        select substring(text from '^validating foreign key constraint "(.*)"$')
                        from unnest(notices) as said (text)
                    )
            )
    )
    select * from dropped
    union all select * from back
    union all select * from renamed
    union all select * from altered
    union all select * from shut
    union all select 'rewriting-table', name || ' is written again, row by row', name from rewritten
    union all select * from built
    union all
    select 'scanning-table', name || ' is read whole', name from scanned
    where is_locked and name not in (select name from rewritten)
    order by 1, 2;

    delete from sselfie_watch.state as old
    where not exists (
        select from unnest(now) as new
        where (new.kind, new.oid, new.part) = (old.kind, old.oid, old.part)
    );
    update sselfie_watch.state as old
    set
        name = new.name, file = new.file, detail = new.detail,
        known_as = case when new.oid = any (restored) then new.name else known_as end
    from unnest(now) as new
    where
        (new.kind, new.oid, new.part) = (old.kind, old.oid, old.part)
        and (new.name, new.file, new.detail) is distinct from (old.name, old.file, old.detail);
    insert into sselfie_watch.state
    select new.*, case when new.oid = any (restored) or new.owner = any (restored) then new.name end
    from unnest(now) as new
    where not exists (
        select from sselfie_watch.state as old
        where (old.kind, old.oid, old.part) = (new.kind, new.oid, new.part)
    );
    if exists (
        select from sselfie_watch.state
        where kind = 'trigger' and name = 'sselfie_watch' and detail <> '{A}'
    ) then
        perform sselfie_watch.attach();
        update sselfie_watch.state set detail = '{A}'
        where kind = 'trigger' and name = 'sselfie_watch';
    end if;
end
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
    perform sselfie_watch.compare(0, true, false, '{}', '{}');
end
$$;

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

-- Take everything that is there for what others can see.
create function sselfie_watch.learn() returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform sselfie_watch.attach();
    delete from sselfie_watch.state;
    insert into sselfie_watch.state
    select *, name as known_as from sselfie_watch.objects;
end
$$;

-- Lock all tables as one does who writes them.
create function sselfie_watch.write_every_table() returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    tables text := (select string_agg(name, ', ') from sselfie_watch.state where kind = 'table');
begin
    if tables is not null then
        execute format('lock table %s in row exclusive mode', tables);
    end if;
end
$$;

grant usage on schema sselfie_watch to public;
grant select on all tables in schema sselfie_watch to public;
