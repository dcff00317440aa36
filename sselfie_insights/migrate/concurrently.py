"""What is left behind when CREATE, DROP or REINDEX CONCURRENTLY fails, and how to go on."""

import re
from collections.abc import Callable

from psycopg import sql

from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate.actions import Name, read_actions
from sselfie_insights.migrate.statements import Statement, split
from sselfie_insights.postgres import Connection


def is_concurrent(statement: Statement) -> bool:
    """Say whether a statement is one of the CONCURRENTLY forms, which block nobody."""
    return any(action.is_concurrent for action in read_actions(statement))


def clear_the_way(
    connection: Connection,
    statement: Statement,
    resumed: bool,
    note: Callable[[str], None],
) -> bool:
    """Drop invalid indexes that are in the way; say whether nothing is left to do.

    ``resumed`` tells that an earlier run began this very statement and was not heard of again,
    so that what it set out to do may be done.

    Raises:
        MigrationError: Another session is building that index, or a valid one of its name is there
            that may be another.
    """
    action = next(iter(read_actions(statement)), None)
    if action is not None and action.verb in ("reindex table", "reindex index"):
        _drop_leftovers(connection, action.table, note)
        return False
    if action is not None and action.verb == "drop index":
        return resumed and _is_valid(connection, action.table) is None
    index = _built_index(connection, statement)
    if not index:
        return False
    valid = _is_valid(connection, index)
    if valid:
        if resumed:
            _require_same(connection, statement, index)
        return resumed
    if valid is False:
        _refuse_if_being_built(connection, index)
        _drop(connection, index, note)
    return False


def verify(connection: Connection, statement: Statement) -> None:
    """Check that the index just built is valid.

    Raises:
        MigrationError: It is not.
    """
    index = _built_index(connection, statement)
    if index and not _is_valid(connection, index):
        raise MigrationError(
            f"index {'.'.join(index)} came out invalid",
            remedy="run apply again: it drops the index and builds it anew",
        )


def _built_index(connection: Connection, statement: Statement) -> Name:
    """Return the index that a CREATE INDEX names, with the schema, which is that of its table."""
    action = next(iter(read_actions(statement)), None)
    if action is None or action.verb != "create index" or not action.column:
        return ()
    row = connection.execute(
        """
        select namespace.nspname
        from pg_catalog.pg_class as class
        join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
        where class.oid = to_regclass(%s)
        """,
        [sql.Identifier(*action.table).as_string()],
    ).fetchone()
    return (row[0], action.column) if row else (action.column,)


def _require_same(connection: Connection, statement: Statement, index: Name) -> None:
    """Refuse to take a valid index for the one that ``statement`` wants if it may be another."""
    row = connection.execute(
        "select pg_get_indexdef(to_regclass(%s))", [sql.Identifier(*index).as_string()]
    ).fetchone()
    assert row is not None  # noqa: S101  # a select without a from has one row
    if _essence(split(row[0])[0]) != _essence(statement):
        raise MigrationError(
            f"index {'.'.join(index)} is there, and may not be the one wanted: {row[0]}",
            remedy="if it is, write 'if not exists'; if not, drop or rename it",
        )


def _essence(statement: Statement) -> tuple[bool, str, str]:
    """Return what CREATE INDEX says, without what Postgres adds when it tells of an index."""
    action = read_actions(statement)[0]
    words = re.sub(r"^using btree |:: (character varying|\w+)|[()]", "", action.words)
    return statement.tokens[1].text == "unique", action.table[-1], " ".join(words.split())


def _drop_leftovers(connection: Connection, name: Name, note: Callable[[str], None]) -> None:
    """Drop the invalid copies that REINDEX CONCURRENTLY made of an index, or of those of a table.

    Postgres calls them ``_ccnew`` and ``_ccold``, and leaves it to its user to drop them.
    """
    found = connection.execute(
        r"""
        select namespace.nspname, class.relname
        from pg_catalog.pg_index as indexes
        join pg_catalog.pg_class as class on class.oid = indexes.indexrelid
        join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
        where
            not indexes.indisvalid
            and class.relname ~ '_cc(new|old)[0-9]*$'
            and indexes.indrelid = coalesce(
                (select indrelid from pg_catalog.pg_index where indexrelid = to_regclass(%(name)s)),
                to_regclass(%(name)s)
            )
            and not exists (
                select 1
                from pg_catalog.pg_stat_progress_create_index
                where relid = indexes.indrelid
            )
        order by class.relname
        """,
        {"name": sql.Identifier(*name).as_string()},
    ).fetchall()
    for index in found:
        _drop(connection, index, note)


def _drop(connection: Connection, index: Name, note: Callable[[str], None]) -> None:
    note(f"index {'.'.join(index)} is invalid, left by an attempt that failed: dropped first")
    connection.execute(
        sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(*index))
    )


def _is_valid(connection: Connection, index: Name) -> bool | None:
    """Return whether the index is valid; None if there is no such index."""
    row = connection.execute(
        "select indisvalid from pg_catalog.pg_index where indexrelid = to_regclass(%s)",
        [sql.Identifier(*index).as_string()],
    ).fetchone()
    return row[0] if row else None


def _refuse_if_being_built(connection: Connection, index: Name) -> None:
    row = connection.execute(
        """
        select pid
        from pg_catalog.pg_stat_progress_create_index
        where index_relid = to_regclass(%s)
        """,
        [sql.Identifier(*index).as_string()],
    ).fetchone()
    if row:
        raise MigrationError(
            f"index {'.'.join(index)} is being built by process {row[0]}",
            remedy="wait until it is done; if it is the index wanted, write 'if not exists'",
        )
