-- One row per session that holds a lock on a table or index of one of the given names, with those
-- locks; without names, per session that the given process waits for. What is said of a session is in
-- part hidden from a role that is no superuser.
with blockers as (
    select blocking.pid, '' as locks
    from unnest(pg_catalog.pg_blocking_pids(%(pid)s)) as blocking (pid)
    where %(names)s::text[] is null
),

holders as (
    select locks.pid, string_agg(distinct locks.mode || ' on ' || class.relname, ', ') as locks
    from pg_catalog.pg_locks as locks
    join pg_catalog.pg_class as class on class.oid = locks.relation
    where
        %(names)s::text[] is not null
        and locks.granted
        and locks.database = (
            select oid from pg_catalog.pg_database where datname = current_database()
        )
        and locks.pid is distinct from %(pid)s
        and class.relname = any (%(names)s::text[])
        and class.relnamespace <> 'pg_catalog'::regnamespace
    group by locks.pid
),

sessions as (
    select * from blockers
    union all select * from holders
)

select distinct
    coalesce(
        'process ' || activity.pid || ' ('
        || concat_ws(
            ', ',
            coalesce(nullif(activity.application_name, ''), activity.backend_type),
            'role ' || activity.usename,
            activity.state,
            'transaction open for '
            || date_trunc('second', clock_timestamp() - activity.xact_start)
        )
        || '): ' || left(regexp_replace(activity.query, '\s+', ' ', 'g'), 100),
        'a prepared transaction (see pg_prepared_xacts)'
    ),
    sessions.locks
from sessions
left join pg_catalog.pg_stat_activity as activity on activity.pid = sessions.pid
order by 1, 2
