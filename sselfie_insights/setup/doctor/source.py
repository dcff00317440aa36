"""Whether the source can be reached and read whole, and the statements that make it so."""

from collections.abc import Iterator

import psycopg

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import ExitCode, SselfieError, first_line
from sselfie_insights.settings import Settings
from sselfie_insights.setup.doctor.finding import Finding, attempt, failed
from sselfie_insights.setup.doctor.names import propose_names
from sselfie_insights.sql import quote
from sselfie_insights.sync.columns import Mirror
from sselfie_insights.sync.plan import place_tables
from sselfie_insights.sync.refusals import refuse_empty, refuse_filtered, refuse_unreadable
from sselfie_insights.sync.source import Source, open_source

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
    """Return the SQL that gives a role of its own the rights that a sync needs, and no others.

    The owner of the tables runs it. Columns with credentials are left out, and a table with
    row-level security gets a policy that shows the role every row.

    Raises:
        UsageError: No database is set, or the URL cannot be understood.
        SourceError: The server cannot be reached or read.
        LockedError: A migration is running.
    """
    schemas = settings.source_schemas
    with open_source(settings.require_database_url(), settings) as source:
        mirrors = place_tables(source.read_catalog(), schemas, load_contract(), settings.columns)
        secured = {
            oid
            for (oid,) in source.execute(
                "select oid::bigint from pg_class where relrowsecurity and oid = any(%s::oid[])",
                [[mirror.table.oid for mirror in mirrors]],
            )
        }
        known = source.execute("select from pg_roles where rolname = %s", [READER])
    statements = [
        f"{'alter' if known else 'create'} role {READER} login password '…';",
        f"alter role {READER} set default_transaction_read_only = on;",
        f"alter role {READER} set lock_timeout = '2s';",
    ]
    for schema in map(quote, schemas):
        statements += [
            f"grant usage on schema {schema} to {READER};",
            f"grant select on all tables in schema {schema} to {READER};",
            f"alter default privileges in schema {schema} grant select on tables to {READER};",
        ]
    for mirror in mirrors:
        if any(column.transfer_mode == "secret" for column in mirror.columns):
            statements += _hide_secrets(mirror)
    return statements + [
        f"create policy {READER}_reads_all on {mirror.remote} for select to {READER} using (true);"
        for mirror in mirrors
        if mirror.table.oid in secured
    ]


def _hide_secrets(mirror: Mirror) -> list[str]:
    names = [quote(c.source.name) for c in mirror.columns if c.transfer_mode != "secret"]
    # By the last two a sync finds changed rows; a grant on columns does not include them.
    columns = ", ".join([*names, "xmin", "ctid"])
    return [
        f"revoke select on {mirror.remote} from {READER};",  # noqa: S608 - shown, never run
        f"grant select ({columns}) on {mirror.remote} to {READER};",
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
    catalog = source.read_catalog()
    mirrors = place_tables(catalog, settings.source_schemas, load_contract(), settings.columns)

    def find_tables() -> str:
        refuse_empty(source, catalog, settings.source_schemas)
        return f"{len(catalog)} in {', '.join(settings.source_schemas)}"

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
            yield from propose_names(source, catalog, settings)


def _check_reach(source: Source, mirrors: list[Mirror]) -> Finding:
    """Warn of a role that could do more than read."""
    may_write = source.execute(
        "select count(*) from unnest(%s::oid[]) as t (oid)"
        " where has_table_privilege(oid, 'insert, update, delete, truncate')",
        [[mirror.table.oid for mirror in mirrors]],
    )[0][0]
    if may_write:
        return Finding(
            "least rights",
            "warning",
            f"role {source.role} may also write {may_write} tables",
            "give it a role that only reads: 'sselfie init' prints the SQL",
        )
    return Finding("least rights", "ok", f"role {source.role} may write nothing")
