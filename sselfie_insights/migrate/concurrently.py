"""What CREATE and DROP INDEX CONCURRENTLY leave behind when they fail, and how to go on."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql

from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate.statements import Reader, Statement
from sselfie_insights.postgres import Connection


@dataclass(frozen=True)
class IndexBuild:
    """A CREATE INDEX: the index's name (none when PostgreSQL is to choose) and its table."""

    index: str
    table: tuple[str, ...]
    is_concurrent: bool


def is_concurrent(statement: Statement) -> bool:
    """Say whether a statement is one of the CONCURRENTLY forms, which block nobody."""
    return any(token.kind == "word" and token.text == "concurrently" for token in statement.tokens)


def parse_index_build(statement: Statement) -> IndexBuild | None:
    """Return what a CREATE INDEX statement builds; None for any other statement."""
    reader = Reader(statement.tokens)
    if not reader.take("create"):
        return None
    reader.take("unique")
    if not reader.take("index"):
        return None
    concurrent = reader.take("concurrently")
    reader.take("if not exists")
    index = () if reader.take("on") else reader.name()
    if index:
        reader.take("on")
    reader.take("only")
    return IndexBuild(index[0] if index else "", reader.name(), concurrent)


def parse_index_drop(statement: Statement) -> tuple[str, ...] | None:
    """Return the index that DROP INDEX CONCURRENTLY names; None for any other statement."""
    reader = Reader(statement.tokens)
    if not reader.take("drop index concurrently"):
        return None
    reader.take("if exists")
    return reader.name()


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
    dropped = parse_index_drop(statement)
    if dropped is not None:
        return resumed and _is_valid(connection, dropped) is None
    build = parse_index_build(statement)
    if build is None or not build.index:
        return False
    index = _index_name(connection, build)
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
    build = parse_index_build(statement)
    if build is None or not build.index:
        return
    index = _index_name(connection, build)
    if not _is_valid(connection, index):
        raise MigrationError(
            f"index {'.'.join(index)} came out invalid",
            remedy="run apply again: it drops the index and builds it anew",
        )


def _index_name(connection: Connection, build: IndexBuild) -> tuple[str, ...]:
    """Return the index with its schema, which is that of its table."""
    row = connection.execute(
        """
        select namespace.nspname
        from pg_catalog.pg_class as class
        join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
        where class.oid = to_regclass(%s)
        """,
        [sql.Identifier(*build.table).as_string()],
    ).fetchone()
    return (row[0], build.index) if row else (build.index,)


def _is_valid(connection: Connection, index: tuple[str, ...]) -> bool | None:
    """Return whether the index is valid; None if there is no such index."""
    row = connection.execute(
        "select indisvalid from pg_catalog.pg_index where indexrelid = to_regclass(%s)",
        [sql.Identifier(*index).as_string()],
    ).fetchone()
    return row[0] if row else None


def _refuse_if_being_built(connection: Connection, index: tuple[str, ...]) -> None:
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
            remedy="wait until it is done and run this again",
        )
