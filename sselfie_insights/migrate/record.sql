-- Write the one row of a migration, which may be there from a run before.
insert into sselfie_migrations.history (
    version, name, sha256, state, statement_count, statements_done, done_sha256,
    toolkit_version, server_version, ignored, catalog_fingerprint, error, finished_at
)
values (
    %(version)s, %(name)s, %(sha256)s, %(state)s, %(statement_count)s, %(statements_done)s,
    %(done_sha256)s, %(toolkit_version)s, %(server_version)s, %(ignored)s,
    %(catalog_fingerprint)s, %(error)s,
    case when %(state)s in ('applied', 'baseline') then pg_catalog.clock_timestamp() end
)
on conflict (version) do update
set
    name = excluded.name,
    sha256 = excluded.sha256,
    state = excluded.state,
    statement_count = excluded.statement_count,
    statements_done = excluded.statements_done,
    done_sha256 = excluded.done_sha256,
    toolkit_version = excluded.toolkit_version,
    server_version = excluded.server_version,
    ignored = excluded.ignored,
    catalog_fingerprint = excluded.catalog_fingerprint,
    error = excluded.error,
    finished_at = excluded.finished_at
