"""The history that no source can give back: copied to a backup, and merged from one.

It is the schema ``snapshots`` (the spans in which mutable rows stayed the same), and in ``meta``
what each sync did. What else ``meta`` holds is true of one mirror only, and stays with it.
"""

import duckdb

from sselfie_insights.sql import literal, quote
from sselfie_insights.warehouse.format import write_format_version

SNAPSHOTS = "snapshots"
META = {
    "sync_runs": ("run_id",),
    "sync_tables": ("run_id", "schema_name", "table_name"),
    "schema_changes": ("run_id", "table_name", "column_name", "kind", "detail"),
}
"""The tables of ``meta`` that are history, and what tells their rows apart."""


def copy_history(db: duckdb.DuckDBPyConnection, source: str) -> dict[str, int]:
    """Copy the history of the attached database ``source``; return the rows by table."""
    counts = {}
    for schema, name in _history_tables(db, source):
        db.execute(f"create schema if not exists {quote(schema)}")
        table = f"{quote(schema)}.{quote(name)}"
        db.execute(f"create table {table} as from {quote(source)}.{table}")
        counts[f"{schema}.{name}"] = _count(db, table)
    return counts


def merge_history(db: duckdb.DuckDBPyConnection, source: str) -> dict[str, int]:
    """Add the history of the attached database ``source``; return the rows added by table.

    Two histories of one row become one: spans do not overlap, and spans that touch and hold the
    same are one span. The first column of a table of ``snapshots`` is the key of the row.
    """
    from sselfie_insights.warehouse.meta import SYNC_TABLES

    counts = {}
    db.begin()
    db.execute(SYNC_TABLES)
    write_format_version(db)
    for schema, name in _history_tables(db, source):
        table = f"{quote(schema)}.{quote(name)}"
        other = f"{quote(source)}.{table}"
        db.execute(f"create schema if not exists {quote(schema)}")
        db.execute(f"create table if not exists {table} as from {other} limit 0")
        before = _count(db, table)
        if schema == SNAPSHOTS:
            _merge_spans(db, table, other, _columns(db, schema, name))
        else:
            same = " and ".join(
                f"ours.{key} is not distinct from theirs.{key}" for key in META[name]
            )
            db.execute(
                f"insert into {table} by name from {other} as theirs"
                f" where not exists (from {table} as ours where {same})"
            )
        counts[f"{schema}.{name}"] = _count(db, table) - before
    db.commit()
    return counts


def _merge_spans(db: duckdb.DuckDBPyConnection, table: str, other: str, columns: list[str]) -> None:
    """Merge two sets of spans into ``table``.

    A span known to both is closed if either knows its end. A later span ends an earlier one that
    is still open. A run of spans that touch and hold the same keeps the identity of its first.
    """
    key = quote(columns[0])
    facts = ", ".join(quote(name) for name in columns[1:] if not name.startswith("dbt_"))
    names = ", ".join(quote(name) for name in columns)
    rest = ", ".join(quote(name) for name in columns if name != "dbt_valid_to")
    db.execute(
        f"""
        create or replace temp table merged as
        with united as (
            select {names} from {table} union all by name select {names} from {other}
        ),
        known as (
            select {rest}, max(dbt_valid_to) as dbt_valid_to
            from united
            group by {rest}
        ),
        apart as (
            select * replace (
                least(dbt_valid_to, lead(dbt_valid_from) over spans) as dbt_valid_to
            )
            from known
            window spans as (partition by {key} order by dbt_valid_from, dbt_scd_id)
        ),
        marked as (
            select
                *,
                not coalesce(
                    lag(({facts})) over spans is not distinct from ({facts})
                    and lag(dbt_valid_to) over spans = dbt_valid_from,
                    false
                ) as is_first
            from apart
            window spans as (partition by {key} order by dbt_valid_from, dbt_scd_id)
        ),
        numbered as (
            select
                *,
                sum(is_first::integer) over spans as run,
                lead(is_first, 1, true) over spans as is_last
            from marked
            window spans as (partition by {key} order by dbt_valid_from, dbt_scd_id)
        )
        select firsts.* exclude (is_first, is_last, run) replace (
            lasts.dbt_valid_to as dbt_valid_to
        )
        from numbered as firsts
        inner join numbered as lasts
            on firsts.{key} = lasts.{key} and firsts.run = lasts.run
        where firsts.is_first and lasts.is_last
        """
    )
    db.execute(f"delete from {table}")
    db.execute(f"insert into {table} by name from merged")
    db.execute("drop table merged")


def _history_tables(db: duckdb.DuckDBPyConnection, source: str) -> list[tuple[str, str]]:
    rows = db.execute(
        "select schema_name, table_name from duckdb_tables()"
        f" where database_name = {literal(source)} order by all"
    ).fetchall()
    return [
        (schema, name)
        for schema, name in rows
        if schema == SNAPSHOTS or (schema == "meta" and name in META)
    ]


def _columns(db: duckdb.DuckDBPyConnection, schema: str, name: str) -> list[str]:
    rows = db.execute(
        "select column_name from duckdb_columns() where database_name = current_database()"
        f" and schema_name = {literal(schema)} and table_name = {literal(name)}"
        " order by column_index"
    ).fetchall()
    return [column for (column,) in rows]


def _count(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = db.execute(f"select count(*) from {relation}").fetchone()
    return 0 if row is None else int(row[0])
