"""What CREATE and DROP INDEX CONCURRENTLY leave behind when they fail, and how to go on."""

from collections.abc import Callable

from psycopg import sql

from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate.actions import Name, read_actions
from sselfie_insights.migrate.statements import Statement
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
    """Drop an invalid index of the name to be built; say whether nothing is left to do.

    ``resumed`` tells that an earlier run began this very statement and was not heard of again,
    so that what it set out to do may be done.

    Raises:
        MigrationError: Another session is building that index.
    """
    action = next(iter(read_actions(statement)), None)
    if action is not None and action.verb == "drop index":
        return resumed and _is_valid(connection, action.table) is None
    index = _built_index(connection, statement)
    if not index:
        return False
    valid = _is_valid(connection, index)
    if valid:
        return resumed
    if valid is False:
        _refuse_if_being_built(connection, index)
        note(f"index {'.'.join(index)} is invalid, left by an attempt that failed: dropped first")
        connection.execute(
            sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(*index))
        )
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
