"""What is left behind when CREATE, DROP or REINDEX CONCURRENTLY fails, and how to go on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate.statements import Statement, Token, split
from sselfie_insights.postgres import Connection

Name = tuple[str, ...]

_SORTED = ("table", "index", "schema", "database", "system")

_INDEXES = Path(__file__).with_name("indexes.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class _Work:
    """What a statement does to indexes: create, drop or reindex.

    Attributes:
        verb: ``create``, ``drop`` or ``reindex``.
        name: The index to create or drop; empty if it is not named.
        place: The table, or index, whose indexes it is about; empty for all of a schema.
    """

    verb: str
    name: Name
    place: Name


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
    work = _read(statement)
    if work is None:
        return False
    if work.verb == "drop":
        return resumed and _resolve(connection, work.name) is None
    place = _resolve(connection, work.place) if work.place else None
    rows = keeper.execute(
        _INDEXES.encode(), [place is None and work.verb == "reindex", place, place]
    )
    if work.verb == "reindex":
        for schema, name, is_valid, _, pid in rows:
            # Postgres calls its copies so, and leaves it to its user to drop them.
            if not is_valid and pid is None and re.search("_cc(new|old)[0-9]*$", name):
                _drop(connection, (schema, name), note)
        return False
    for schema, name, is_valid, definition, pid in rows.fetchall():
        is_same = _essence(split(definition)[0][0]) == _essence(statement)
        if name != work.name[-1] if work.name else not is_same:
            continue
        if pid is not None:
            raise MigrationError(
                f"index {schema}.{name} is being built by process {pid}",
                remedy="wait until it is done; if it is the index wanted, write 'if not exists'",
            )
        if not is_valid:
            _drop(connection, (schema, name), note)
        elif resumed and not is_same:
            raise MigrationError(
                f"index {schema}.{name} is there, and may not be the one wanted: {definition}",
                remedy="if it is, write 'if not exists'; if not, drop or rename it",
            )
        elif resumed:
            return True
    return False


def _read(statement: Statement) -> _Work | None:
    """Return what a statement does to indexes, if it does it CONCURRENTLY."""
    tokens = statement.tokens
    words = [token.text if token.kind == "word" else "" for token in tokens]
    if not statement.is_concurrent:
        return None
    start = words.index("concurrently") + 1
    if words[start : start + 3] == ["if", "not", "exists"]:
        start += 3
    elif words[start : start + 2] == ["if", "exists"]:
        start += 2
    if words[0] == "create" and "on" in words[start:]:
        place = words.index("on", start) + 1
        place += words[place] == "only"
        return _Work("create", _name(tokens[start : place - 1]), _name(tokens[place:]))
    if words[:2] == ["drop", "index"]:
        return _Work("drop", _name(tokens[start:]), ())
    if words[0] == "reindex":
        kind = next(word for word in words if word in _SORTED)
        if kind == words[start]:  # the form reindex (concurrently) table …
            start += 1
        elif words[start] == "" and tokens[start].text == ")":
            start += 2
        name = _name(tokens[start:]) if kind in ("table", "index") else ()
        return _Work("reindex", (), name)
    return None


def _name(tokens: tuple[Token, ...]) -> Name:
    """Return the parts of the (qualified) name with which ``tokens`` begin; none without one."""
    parts: list[str] = []
    for position in range(0, len(tokens), 2):
        if tokens[position].kind not in ("word", "name"):
            break
        parts.append(tokens[position].text)
        if position + 1 >= len(tokens) or tokens[position + 1].text != ".":
            break
    return tuple(parts)


def _essence(statement: Statement) -> tuple[bool, str, str]:
    """Return what CREATE INDEX says, without what Postgres adds when it writes an index."""
    words = [token.text for token in statement.tokens]
    place = words.index("on") + 1
    place += words[place] == "only"
    table = _name(statement.tokens[place:])
    rest = " ".join(words[place + 2 * len(table) - 1 :])
    rest = re.sub(r"^using btree |:: (character varying|\w+)|[()]", "", rest)
    return words[1] == "unique", table[-1], " ".join(rest.split())


def _resolve(connection: Connection, name: Name) -> int | None:
    row = connection.execute(
        "select pg_catalog.to_regclass(%s)::pg_catalog.oid::pg_catalog.int8",
        [sql.Identifier(*name).as_string()],
    ).fetchone()
    return row[0] if row else None


def _drop(connection: Connection, index: Name, note: Callable[[str], None]) -> None:
    note(f"index {'.'.join(index)} is invalid, left by an attempt that failed: dropped first")
    connection.execute(
        sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(*index))
    )
