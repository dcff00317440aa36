create schema if not exists sselfie_migrations;

-- One row per migration that was begun, finished or adopted.
create table if not exists sselfie_migrations.history (
    version integer primary key,
    name text not null,
    sha256 text not null,
    state text not null check (state in ('applied', 'baseline', 'running', 'failed')),
    statement_count integer not null,
    statements_done integer not null,
    done_sha256 text not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    applied_by text not null default session_user,
    toolkit_version text not null,
    server_version integer not null,
    catalog_fingerprint text,
    ignored jsonb not null default '[]',
    error text
);

-- One row per database object as the last migration left it; its drift is told from this.
create table if not exists sselfie_migrations.catalog (
    kind text not null,
    identity text not null,
    relation text,
    definition text not null,
    primary key (kind, identity)
);
