-- One role, sselfie_reader, with the rights that `sselfie sync` needs and no others. It cannot log
-- in until its owner says: alter role sselfie_reader login password '…'.
-- migrate: no-transaction
-- migrate: skip-missing

do $$
begin
    create role sselfie_reader nologin;
exception
    when duplicate_object or unique_violation then null;
end
$$;

-- It reads, and it never waits long for a lock that an application's migration wants.
do $$
begin
    alter role sselfie_reader set default_transaction_read_only = on;
    alter role sselfie_reader set lock_timeout = '2s';
exception
    when insufficient_privilege then
        raise notice 'sselfie_reader belongs to another role: its settings were left as they are';
end
$$;

grant usage on schema public to sselfie_reader;

-- All tables and views, those to come included, but for the columns that hold credentials.
grant select on all tables in schema public to sselfie_reader;

alter default privileges in schema public grant select on tables to sselfie_reader;

revoke select on table public.instagram_connections from sselfie_reader;

do $$
declare
    readable text;
begin
    select string_agg(quote_ident(attname), ', ' order by attnum)
    into readable
    from pg_catalog.pg_attribute
    where
        attrelid = 'public.instagram_connections'::regclass
        and attnum > 0
        and not attisdropped
        and attname <> 'access_token';

    execute format(
        'grant select (%s) on table public.instagram_connections to sselfie_reader', readable
    );
end
$$;

-- Row-level security hides rows without a word, so each table that has it lets the reader read
-- all of them. One table at a time: a policy needs its table alone for a moment.
do $$
declare
    secured regclass;
begin
    for secured in
        select class.oid::regclass
        from pg_catalog.pg_class as class
        where
            class.relnamespace = 'public'::regnamespace
            and class.relkind in ('r', 'p')
            and class.relrowsecurity
            and not exists (
                select 1
                from pg_catalog.pg_policy as policies
                where
                    policies.polrelid = class.oid
                    and policies.polname = 'sselfie_reader_reads_all'
            )
        order by 1
    loop
        execute format(
            'create policy sselfie_reader_reads_all on %s for select to sselfie_reader using (true)',
            secured
        );
        commit;
    end loop;
end
$$;
