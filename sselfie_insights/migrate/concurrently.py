"""What is left behind when a statement that runs CONCURRENTLY fails, and how to go on."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from psycopg import sql

from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate.statements import Statement, split
from sselfie_insights.postgres import Connection

_INDEXES = Path(__file__).with_name("indexes.sql").read_text(encoding="utf-8")
_PART = r'(?:[\w$]+|"(?:[^"]|"")+")'
_NAME = rf"{_PART}(?: \. {_PART})*"
_CREATE = re.compile(
    r"create (?P<unique>unique )?index (?:concurrently )?(?:if not exists )?"
    rf"(?:(?!on )(?P<index>{_NAME}) )?on (?:only )?(?P<table>{_NAME}) (?P<rest>.*)"
)
_DROP = re.compile(rf"drop index concurrently (?:if exists )?(?P<index>{_NAME})")
_DATA = re.compile(r"'((?:[^']|'')*)'|\b(\d+)\b")
_DETACH = re.compile(
    rf"alter table (?:if exists )?{_NAME} detach partition (?P<part>{_NAME}) concurrently"
)
_REINDEX = re.compile(
    rf"reindex .*?\b(?:(?:table|index)(?: concurrently)? (?P<one>{_NAME})|schema|database|system)"
)


def drop_invalid_indexes(
    connection: Connection,
    keeper: Connection,
    statement: Statement,
    resumed: bool,
    note: Callable[[str], None],
) -> bool:
    """Drop what failed attempts at ``statement`` have left; say whether nothing is left to do.

    Args:
        connection: The connection of the file, with its search path.
        keeper: One with ours.
        statement: The statement that is about to run.
        resumed: Whether an earlier run began it and was not heard of again, so that what it set
            out to do may be done.
        note: Called with what a person would want to know.

    Raises:
        MigrationError: Another session is building that index, or a valid one of its name is there
            that may be another.
    """
    if not statement.is_concurrent:
        return False
    if dropped := _DROP.match(statement.words):
        return resumed and _resolve(connection, dropped["index"]) is None
    if detached := _DETACH.match(statement.words):
        part = _resolve(connection, detached["part"])
        is_part = "select from pg_catalog.pg_inherits where inhrelid = %s"
        return resumed and keeper.execute(is_part, [part]).fetchone() is None
    if again := _REINDEX.match(statement.words):
        relation = _resolve(connection, again["one"]) if again["one"] else None
        for schema, name, is_valid, _, pid in _find_indexes(keeper, relation):
            # Postgres calls its copies so, and leaves it to its user to drop them.
            if not is_valid and pid is None and re.search("_cc(new|old)[0-9]*$", name):
                _drop(connection, schema, name, note)
        return False
    wanted = _CREATE.match(statement.words)
    table = _resolve(connection, wanted["table"]) if wanted else None
    if wanted is None or table is None:
        return False
    for schema, name, is_valid, definition, pid in _find_indexes(keeper, table, wanted["index"]):
        is_same = _essence(split(definition)[0][0]) == _essence(statement)
        if wanted["index"] is None and not is_same:
            continue
        if pid is not None:
            raise MigrationError(
                f"index {schema}.{name} is being built by process {pid}",
                remedy="wait until it is done; if it is the index wanted, write 'if not exists'",
            )
        if not is_valid:
            _drop(connection, schema, name, note)
        elif resumed and not is_same:
            raise MigrationError(
                f"index {schema}.{name} is there, and may not be the one wanted: {definition}",
                remedy="if it is, write 'if not exists'; if not, drop or rename it",
            )
        elif resumed:
            return True
    return False


def _essence(statement: Statement) -> tuple[str, ...]:
    """Return what CREATE INDEX says, without what Postgres adds when it writes an index."""
    found = _CREATE.match(statement.words)
    assert found is not None  # noqa: S101  # both callers have made sure
    rest = re.sub(r'^using btree |:: (character varying|\w+)|[()"]| asc\b', "", found["rest"])
    data = ["".join(each) for each in _DATA.findall(statement.sql)]
    return found["unique"] or "", found["table"].split(" . ")[-1], *rest.split(), *data


def _resolve(connection: Connection, name: str) -> int | None:
    row = connection.execute(
        "select pg_catalog.to_regclass(%s)::pg_catalog.oid::pg_catalog.int8", [name]
    ).fetchone()
    return row[0] if row else None


def _find_indexes(
    keeper: Connection, relation: int | None, name: str | None = None
) -> list[tuple[Any, ...]]:
    parameters = {"relation": relation, "name": name}
    return keeper.execute(_INDEXES.encode(), parameters).fetchall()


def _drop(connection: Connection, schema: str, name: str, note: Callable[[str], None]) -> None:
    note(f"index {schema}.{name} is invalid, left by an attempt that failed: dropped first")
    connection.execute(
        sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(schema, name))
    )
