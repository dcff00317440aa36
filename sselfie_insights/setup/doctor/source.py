"""Whether the source can be reached and read whole, and the statements that make it so."""

from collections.abc import Iterator
from secrets import token_urlsafe

import psycopg

from sselfie_insights.errors import ExitCode, SselfieError, first_line, name_some
from sselfie_insights.settings import Settings
from sselfie_insights.setup.doctor.finding import Finding, attempt, failed
from sselfie_insights.setup.doctor.names import propose_names
from sselfie_insights.sql import quote
from sselfie_insights.sync.catalog import list_closed
from sselfie_insights.sync.columns import Mirror
from sselfie_insights.sync.plan import place_tables
from sselfie_insights.sync.refusals import refuse_empty, refuse_filtered, refuse_unreadable
from sselfie_insights.sync.source import Source, open_source
from sselfie_insights.warehouse.space import write_bytes

READER = "sselfie_reader"
"""The role that the packaged migrations create."""


def check_source(settings: Settings) -> Iterator[Finding]:
    """Yield what is found of the database, with the refusals of a sync as failures."""
    try:
        with open_source(settings.require_database_url(), settings) as source:
            yield from _check_server(source)
            yield from _check_tables(source, settings)
    except SselfieError as error:
        yield failed("database", error)
    except psycopg.Error as error:
        reason = error.diag.message_primary or first_line(error)
        yield Finding(
            "database", "failed", f"it cannot be read: {reason}", "run it again", ExitCode.SOURCE
        )


def reader_statements(settings: Settings) -> list[str]:
    """Return the SQL that gives a role the rights that a sync needs, and no others.

    It is the role that connects, where that could do nothing but read, and else ``READER``, which
    is created with a password drawn here if it is not there yet. No password of a role that exists
    is touched. The owner of the tables runs it, as it is. Columns with credentials are left out,
    and a table with row-level security gets a policy that shows the role every row.

    Raises:
        UsageError: No database is set, or the URL cannot be understood.
        SourceError: The server cannot be reached or read.
        LockedError: A migration is running.
    """
    schemas = settings.source_schemas
    with open_source(settings.require_database_url(), settings) as source:
        mirrors = place_tables(source.read_catalog(with_closed=True), settings)
        name = READER if _count_writable(source, mirrors) else source.role
        role = quote(name)
        known = source.execute("select rolcanlogin from pg_roles where rolname = %s", [name])
        secured = source.execute(_SECURED, [[mirror.table.oid for mirror in mirrors]])
    statements = []
    if not known:
        statements = [
            f"create role {role} login password '{token_urlsafe(24)}';",
            f"alter role {role} set default_transaction_read_only = on;",
            f"alter role {role} set lock_timeout = '2s';",
        ]
    elif known != [(True,)]:
        statements = [
            f"alter role {role} login; -- in psql, '\\password {name}' gives it a password",
        ]
    for schema in map(quote, schemas):
        statements += [
            f"grant usage on schema {schema} to {role};",
            f"grant select on all tables in schema {schema} to {role};",
            f"alter default privileges in schema {schema} grant select on tables to {role};",
        ]
    for mirror in mirrors:
        if any(column.transfer_mode == "secret" for column in mirror.columns):
            statements += _hide_secrets(mirror, role)
    restricted = []
    for mirror in mirrors:
        for _, is_restricted in (row for row in secured if row[0] == mirror.table.oid):
            if is_restricted:
                restricted.append(mirror.table.label)
            policy = quote(f"{name}_reads_all")
            statements += [
                f"drop policy if exists {policy} on {mirror.remote};",
                f"create policy {policy} on {mirror.remote} for select to {role} using (true);",
            ]
    if restricted:
        statements += [
            f"-- Restrictive policies hide rows of {name_some(restricted)} from every role but"
            " one that bypasses them; a superuser grants that:",
            f"alter role {role} bypassrls;",
        ]
    return statements


_SECURED = """
select
    oid::bigint,
    exists (
        select from pg_policy
        where polrelid = pg_class.oid and not polpermissive and polcmd in ('r', '*')
            and pg_get_expr(polqual, polrelid) is distinct from 'true'
    )
from pg_class where relrowsecurity and oid = any(%s::oid[])
"""
"""The tables with row-level security, and whether a policy takes rows from whoever may see them."""


def _hide_secrets(mirror: Mirror, role: str) -> list[str]:
    names = [quote(c.source.name) for c in mirror.columns if c.transfer_mode != "secret"]
    # By the last two a sync finds changed rows; a grant on columns does not include them.
    columns = ", ".join([*names, "xmin", "ctid"])
    return [
        f"revoke select on {mirror.remote} from {role};",  # noqa: S608 - shown, never run
        f"grant select ({columns}) on {mirror.remote} to {role};",
    ]


def _check_server(source: Source) -> Iterator[Finding]:
    version, is_standby = source.execute(
        "select current_setting('server_version'), pg_is_in_recovery()"
    )[0]
    yield Finding("database", "ok", f"PostgreSQL {version.split()[0]} at {source.target}")
    if is_standby:
        yield Finding(
            "standby",
            "warning",
            "the server is a standby: a sync may be cancelled by its replay",
            "set max_standby_streaming_delay there, or read the primary; migrate needs the primary",
        )


def _check_tables(source: Source, settings: Settings) -> Iterator[Finding]:
    catalog, left_out = source.read_relations()
    mirrors = place_tables(catalog, settings)

    def find_tables() -> str:
        refuse_empty(source, catalog, left_out)
        size = write_bytes(sum(table.bytes for table in catalog.values()))
        names = name_some(table.name for table in catalog.values())
        closed = list_closed(left_out)
        left = f"; role {source.role} may not read {name_some(closed)}, left out" if closed else ""
        return (
            f"{len(catalog)} in {', '.join(settings.source_schemas)}, {size} at the last ANALYZE,"
            f" are going to be read: {names}{left}"
        )

    def read_tables() -> str:
        refuse_unreadable(source, mirrors)
        return f"role {source.role} may read every table"

    def see_rows() -> str:
        refuse_filtered(source, mirrors)
        return f"no policy hides rows from role {source.role}"

    tables = attempt("tables", find_tables)
    yield tables
    if tables.state == "ok":
        rights = attempt("rights", read_tables)
        yield rights
        yield attempt("row security", see_rows)
        yield _check_reach(source, mirrors)
        if rights.state == "ok":
            yield from propose_names(source, catalog, left_out, settings)


def _check_reach(source: Source, mirrors: list[Mirror]) -> Finding:
    """Warn of a role that could do more than read."""
    may_write = _count_writable(source, mirrors)
    if may_write:
        return Finding(
            "least rights",
            "warning",
            f"role {source.role} may also write {may_write} tables",
            "give it a role that only reads: 'sselfie init' prints the SQL",
        )
    return Finding("least rights", "ok", f"role {source.role} may write nothing")


def _count_writable(source: Source, mirrors: list[Mirror]) -> int:
    """Return how many of the tables the role could write."""
    rows = source.execute(
        "select count(*) from unnest(%s::oid[]) as t (oid)"
        " where has_table_privilege(oid, 'insert, update, delete, truncate')",
        [[mirror.table.oid for mirror in mirrors]],
    )
    return int(rows[0][0])
