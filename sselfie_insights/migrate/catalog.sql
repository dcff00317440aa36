/* One row per database object of the given schemas: its identity and its definition, as text.
   Members of extensions are left out, and so are names that PostgreSQL makes up itself. */
with extension_members as (

    select classid, objid
    from pg_catalog.pg_depend
    where deptype = 'e'

),

schemas as (

    select oid, nspname as schema_name
    from pg_catalog.pg_namespace
    where nspname = any (%(schemas)s)

),

relations as (

    select
        class.oid,
        class.relkind,
        class.relacl,
        schemas.schema_name || '.' || class.relname as relation,
        class.relpersistence,
        class.relrowsecurity,
        class.relforcerowsecurity,
        class.relispartition,
        class.reloptions,
        class.relpartbound
    from pg_catalog.pg_class as class
    join schemas on schemas.oid = class.relnamespace
    where
        class.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        and not exists (
            select 1
            from extension_members
            where
                extension_members.classid = 'pg_catalog.pg_class'::regclass
                and extension_members.objid = class.oid
        )

),

tables as (

    select
        'table' as kind,
        relation as identity,
        relation,
        concat_ws(
            ' ',
            case relkind
                when 'r' then 'table'
                when 'p' then 'partitioned table by ' || pg_catalog.pg_get_partkeydef(oid)
                when 'f' then 'foreign table'
                when 'v' then 'view as ' || pg_catalog.pg_get_viewdef(oid)
                when 'm' then 'materialized view as ' || pg_catalog.pg_get_viewdef(oid)
            end,
            case relpersistence when 'u' then 'unlogged' end,
            case when relispartition then pg_catalog.pg_get_expr(relpartbound, oid) end,
            case when relrowsecurity then 'row level security' end,
            case when relforcerowsecurity then 'forced' end,
            reloptions::text
        ) as definition
    from relations
    where relkind <> 'S'

),

sequences as (

    select
        'sequence' as kind,
        relations.relation as identity,
        relations.relation,
        concat_ws(
            ' ',
            pg_catalog.format_type(sequence.seqtypid, null),
            'increment', sequence.seqincrement,
            'from', sequence.seqmin,
            'to', sequence.seqmax,
            case when sequence.seqcycle then 'cycle' end
        ) as definition
    from relations
    join pg_catalog.pg_sequence as sequence on sequence.seqrelid = relations.oid

),

columns as (

    select
        'column' as kind,
        relations.relation || '.' || attribute.attname as identity,
        relations.relation,
        concat_ws(
            ' ',
            pg_catalog.format_type(attribute.atttypid, attribute.atttypmod),
            case when attribute.attnotnull then 'not null' end,
            case attribute.attidentity when 'a' then 'identity always' when 'd' then 'identity' end,
            case attribute.attgenerated when 's' then 'stored' when 'v' then 'virtual' end,
            case
                when attribute.attcollation not in (0, types.typcollation)
                    then 'collate ' || attribute.attcollation::regcollation
            end,
            'default ' || pg_catalog.pg_get_expr(defaults.adbin, defaults.adrelid)
        ) as definition
    from relations
    join pg_catalog.pg_attribute as attribute on attribute.attrelid = relations.oid
    join pg_catalog.pg_type as types on types.oid = attribute.atttypid
    left join pg_catalog.pg_attrdef as defaults
        on
            defaults.adrelid = attribute.attrelid
            and defaults.adnum = attribute.attnum
    where
        attribute.attnum > 0
        and not attribute.attisdropped
        and relations.relkind <> 'S'

),

constraints as (

    select
        'constraint' as kind,
        relations.relation || '.' || constraints.conname as identity,
        relations.relation,
        pg_catalog.pg_get_constraintdef(constraints.oid) as definition
    from relations
    join pg_catalog.pg_constraint as constraints on constraints.conrelid = relations.oid
    where constraints.contype in ('p', 'u', 'f', 'c', 'x')

),

indexes as (

    select
        'index' as kind,
        schemas.schema_name || '.' || class.relname as identity,
        relations.relation,
        concat_ws(
            ' ',
            pg_catalog.pg_get_indexdef(class.oid),
            case when not indexes.indisvalid then 'invalid' end
        ) as definition
    from relations
    join pg_catalog.pg_index as indexes on indexes.indrelid = relations.oid
    join pg_catalog.pg_class as class on class.oid = indexes.indexrelid
    join schemas on schemas.oid = class.relnamespace
    where not exists (
        select 1
        from pg_catalog.pg_constraint as constraints
        where
            constraints.conindid = class.oid
            and constraints.contype in ('p', 'u', 'x')
    )

),

triggers as (

    select
        'trigger' as kind,
        relations.relation || '.' || triggers.tgname as identity,
        relations.relation,
        concat_ws(
            ' ',
            pg_catalog.pg_get_triggerdef(triggers.oid),
            case triggers.tgenabled when 'D' then 'disabled' end
        ) as definition
    from relations
    join pg_catalog.pg_trigger as triggers on triggers.tgrelid = relations.oid
    where not triggers.tgisinternal

),

policies as (

    select
        'policy' as kind,
        relations.relation || '.' || policies.polname as identity,
        relations.relation,
        concat_ws(
            ' ',
            case when policies.polpermissive then 'permissive' else 'restrictive' end,
            policies.polcmd,
            array(
                select coalesce(roles.rolname, 'public')
                from unnest(policies.polroles) as members (member)
                left join pg_catalog.pg_roles as roles on roles.oid = members.member
                order by 1
            )::text,
            'using ' || pg_catalog.pg_get_expr(policies.polqual, policies.polrelid),
            'check ' || pg_catalog.pg_get_expr(policies.polwithcheck, policies.polrelid)
        ) as definition
    from relations
    join pg_catalog.pg_policy as policies on policies.polrelid = relations.oid

),

grants as (

    select
        'grants' as kind,
        granted.identity,
        granted.relation,
        array(select unnest(granted.acl)::text order by 1)::text as definition
    from (
        select relation as identity, relation, relacl as acl
        from relations
        union all
        select relations.relation || '.' || attribute.attname, relations.relation, attribute.attacl
        from relations
        join pg_catalog.pg_attribute as attribute on attribute.attrelid = relations.oid
        where not attribute.attisdropped
    ) as granted
    where granted.acl is not null

),

functions as (

    select
        'function' as kind,
        schemas.schema_name || '.' || functions.proname || '('
        || pg_catalog.pg_get_function_identity_arguments(functions.oid) || ')' as identity,
        null as relation,
        pg_catalog.pg_get_functiondef(functions.oid) as definition
    from pg_catalog.pg_proc as functions
    join schemas on schemas.oid = functions.pronamespace
    where
        functions.prokind in ('f', 'p')
        and not exists (
            select 1
            from extension_members
            where
                extension_members.classid = 'pg_catalog.pg_proc'::regclass
                and extension_members.objid = functions.oid
        )

),

types as (

    select
        'type' as kind,
        schemas.schema_name || '.' || types.typname as identity,
        null as relation,
        case types.typtype
            when 'e' then (
                select 'enum ' || array_agg(labels.enumlabel order by labels.enumsortorder)::text
                from pg_catalog.pg_enum as labels
                where labels.enumtypid = types.oid
            )
            else concat_ws(
                ' ',
                'domain over', pg_catalog.format_type(types.typbasetype, types.typtypmod),
                case when types.typnotnull then 'not null' end,
                'default ' || types.typdefault
            )
        end as definition
    from pg_catalog.pg_type as types
    join schemas on schemas.oid = types.typnamespace
    where
        types.typtype in ('e', 'd')
        and not exists (
            select 1
            from extension_members
            where
                extension_members.classid = 'pg_catalog.pg_type'::regclass
                and extension_members.objid = types.oid
        )

),

final as (

    select * from tables
    union all select * from sequences
    union all select * from columns
    union all select * from constraints
    union all select * from indexes
    union all select * from triggers
    union all select * from policies
    union all select * from grants
    union all select * from functions
    union all select * from types

)

select kind, identity, relation, coalesce(definition, '') as definition
from final
order by kind collate "C", identity collate "C"
