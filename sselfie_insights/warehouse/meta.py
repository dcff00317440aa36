"""The schema ``meta``: what is true of one publication, and commits with its data."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from sselfie_insights.errors import UsageError

SYNC_TABLES = """
create schema if not exists meta;
create table if not exists meta.sync_runs (
    run_id varchar primary key,
    mode varchar not null,
    snapshot_at timestamptz not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    seconds double not null,
    source varchar not null,
    lineage varchar not null,
    attempts integer not null,
    table_count integer not null,
    row_count bigint not null,
    rows_inserted bigint not null,
    rows_updated bigint not null,
    rows_deleted bigint not null,
    wal_position ubigint
);
create table if not exists meta.sync_tables (
    run_id varchar not null,
    schema_name varchar not null,
    table_name varchar not null,
    mirror_schema varchar not null,
    mirror_table varchar not null,
    mode varchar not null,
    reason varchar not null,
    row_count bigint not null,
    rows_inserted bigint not null,
    rows_updated bigint not null,
    rows_deleted bigint not null,
    seconds double not null,
    verification varchar not null,
    detail varchar not null,
    primary key (run_id, schema_name, table_name)
);
create table if not exists meta.mirror_tables (
    schema_name varchar not null,
    table_name varchar not null,
    mirror_schema varchar not null,
    mirror_table varchar not null,
    oid ubigint not null,
    fingerprint varchar not null,
    lineage varchar not null,
    snapshot_xmin ubigint not null,
    snapshot_xmax ubigint not null,
    row_count bigint not null,
    is_suspect boolean not null,
    run_id varchar not null,
    primary key (schema_name, table_name)
);
create table if not exists meta.mirror_columns (
    schema_name varchar not null,
    table_name varchar not null,
    column_name varchar not null,
    number integer not null,
    data_type varchar not null,
    mirror_column varchar not null,
    mirror_type varchar not null,
    travel varchar not null,
    reason varchar not null,
    primary key (schema_name, table_name, column_name)
);
create table if not exists meta.schema_changes (
    run_id varchar not null,
    table_name varchar not null,
    column_name varchar,
    kind varchar not null,
    detail varchar not null
);
create table if not exists meta.contract_drift (
    table_name varchar not null,
    column_name varchar,
    kind varchar not null,
    detail varchar not null
);
"""
"""What a sync did, what it left mirrored, and how the source differs from its contract."""

CHECK_RESULTS = """
create schema if not exists meta;
create table if not exists meta.check_results (
    run_id varchar not null,
    checked_at timestamptz not null,
    suite varchar not null,
    check_name varchar not null,
    table_name varchar not null,
    column_name varchar,
    severity varchar not null,
    status varchar not null,
    failed_rows bigint,
    checked_rows bigint,
    detail varchar not null
);
"""
"""What became of each check of this data."""


@dataclass(frozen=True)
class LastSync:
    """The sync that filled the mirror: its run id and the instant of its snapshot (UTC)."""

    run_id: str
    snapshot_at: datetime


def read_last_sync(db: duckdb.DuckDBPyConnection, warehouse: Path) -> LastSync:
    """Return the last sync into ``warehouse``, which is open as ``db``.

    Raises:
        UsageError: There was none.
    """
    try:
        row = db.execute(
            "select run_id, epoch_us(snapshot_at) from meta.sync_runs"
            " order by snapshot_at desc, started_at desc limit 1"
        ).fetchone()
    except duckdb.CatalogException:
        row = None
    if row is None:
        raise UsageError(
            f"nothing was synced into {warehouse.name} yet", remedy="run 'sselfie sync' first"
        )
    return LastSync(row[0], as_instant(row[1]))


def as_instant(microseconds: int) -> datetime:
    """Return the instant (UTC) that lies ``microseconds`` after 1970."""
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
