"""SQL of a user's own, which sees personal columns as NULL.

Such a statement runs in a database of its own, in memory. It holds a view of each table that the
statement names, under the same schema and name, with the personal columns of the contracts NULL;
the warehouse is attached under a name drawn for that statement. So it does not matter how a column
is called, packed or looped over. What could reach around the views is refused by the syntax tree:
another catalog, functions that take a table's name or read the catalog, and the catalog itself.
"""

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from sselfie_insights.contract import Table, find_marts, find_table, load_contract, load_mart
from sselfie_insights.errors import UsageError
from sselfie_insights.sql import literal, quote
from sselfie_insights.warehouse.format import read_format
from sselfie_insights.warehouse.reading import require_warehouse
from sselfie_insights.warehouse.storage import damaged

Name = tuple[str, str]
"""A schema and a table, in lower case."""

_COPIES = ("raw", "staging", "snapshots")
"""The schemas whose tables are called as those of the source."""

_IMPERSONAL = ("core", "forecast", "growth", "meta")
"""The schemas that the project makes without anything personal."""

_TABLE_FUNCTIONS = frozenset(
    {"generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"}
)
"""Those that make rows of what they are given, and read nothing."""

_CATALOG = ("duckdb_", "information_schema", "pg_", "pragma_", "sqlite_")
"""How the names of DuckDB's own tables and functions about itself begin."""

_BEYOND = frozenset({"current_query", "current_setting", "getvariable", "json_serialize_plan"})
"""Functions that read the session, or plan a statement that is no part of this one."""


class Statement(NamedTuple):
    """What a SELECT asks for: its tables, and whether it is ``show all tables`` or the like."""

    tables: frozenset[Name]
    is_listing: bool


class Masked(NamedTuple):
    """Where a statement runs, and the names, in lower case, of what its tables hide."""

    connection: duckdb.DuckDBPyConnection
    personal: frozenset[str]


@contextmanager
def open_masked(path: Path, sql: str) -> Iterator[Masked]:
    """Yield a connection on which ``sql`` finds the tables that it names, without personal data.

    Args:
        path: The warehouse.
        sql: One SELECT.

    Raises:
        UsageError: The statement asks for more than tables of the warehouse; there is none, or a
            newer version of this package wrote it.
        StorageError: The warehouse cannot be read.
        duckdb.Error: The statement cannot be read.
    """
    require_warehouse(path)
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        "temp_directory": f"{path}.tmp",
        "threads": 1,  # others wait busily while the file's catalog is read
    }
    with closing(duckdb.connect(config=config)) as connection:
        asked = read_statement(connection, sql)
        hidden = "warehouse" if asked.is_listing else f"w{secrets.token_hex(16)}"
        try:
            _attach(connection, path, hidden)
            if not asked.is_listing:
                connection.execute("use memory")
            for schema, table in sorted(asked.tables):
                if schema:  # DuckDB has a word for what has none
                    _create_view(connection, hidden, schema, table)
            connection.execute("set TimeZone = 'UTC'")
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            personal = (find_personal(*table) for table in asked.tables)
            yield Masked(connection, frozenset[str]().union(*personal))
        except duckdb.Error as error:
            raise type(error)(_without(hidden, str(error))) from None
        except UsageError as error:
            message = _without(hidden, error.message)
            raise UsageError(message, remedy=error.remedy) from None
        except BaseException:  # of an interrupt, the statement goes on; closing would wait for it
            connection.interrupt()
            raise


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, hidden: str) -> None:
    """Open the file under a name, and use it."""
    try:
        connection.execute(f"attach {literal(str(path))} as {hidden} (read_only)")
    except duckdb.Error as error:
        raise damaged(path, error) from None
    connection.execute(f"reset threads; use {hidden}")
    read_format(connection)


def _without(name: str, text: str) -> str:
    return text.replace(f"{name}.", "").replace(name, "the warehouse")


def _create_view(
    connection: duckdb.DuckDBPyConnection, hidden: str, schema: str, table: str
) -> None:
    """Show a table without its personal columns."""
    source = f"{hidden}.{quote(schema)}.{quote(table)}"
    found = connection.execute(f"select * from {source} limit 0").description or ()  # noqa: S608
    personal = find_personal(schema, table)
    empty = ", ".join(
        f"cast(null as {_without_values(str(kind))}) as {quote(name)}"
        for name, kind, *_ in found
        if name.lower() in personal
    )
    connection.execute(f"create schema if not exists {quote(schema)}")
    connection.execute(
        f"create view {quote(schema)}.{quote(table)} as"  # noqa: S608
        f" select *{f' replace ({empty})' if empty else ''} from {source}"
    )


def _without_values(kind: str) -> str:
    """Return a type as SQL; the type of an enumeration would list its values."""
    return "varchar" if "ENUM(" in kind else kind


def read_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> Statement:
    """Return what one SELECT asks for.

    Raises:
        UsageError: It asks for more than tables of the warehouse.
        duckdb.Error: It is no SELECT.
    """
    row = connection.execute(f"select json_serialize_sql({literal(sql)})").fetchone()
    tree = json.loads(row[0]) if row else {}
    if tree.get("error"):
        raise duckdb.ParserException(f"Parser Error: {tree.get('error_message')}")
    nodes = list(_walk(tree))
    named = {entry["key"].lower() for node in nodes for entry in _list_ctes(node)}
    tables: set[Name] = set()
    is_listing = False
    for node in nodes:
        match node.get("type"):
            case "BASE_TABLE":
                name = (node["schema_name"].lower(), node["table_name"].lower())
                _refuse(bool(node.get("catalog_name")), "another catalog")
                _refuse(any(part.startswith(_CATALOG) for part in name), "the catalog")
                if name[0] or name[1] not in named:
                    tables.add(name)
            case "TABLE_FUNCTION":
                function = node["function"]["function_name"].lower()
                _refuse(function not in _TABLE_FUNCTIONS, f"{function}()")
            case "SHOW_REF" if not node.get("query"):
                is_listing = node["table_name"].strip('"') in ("__show_tables_expanded", "tables")
                _refuse(not is_listing, node["table_name"].strip('"'))
        if node.get("class") == "FUNCTION":
            function = node["function_name"].lower()
            is_about_itself = function.startswith(_CATALOG) or function in _BEYOND
            _refuse(is_about_itself, f"{function}()")
    _refuse(is_listing and bool(tables), "a list of them beside one")
    return Statement(frozenset(tables), is_listing)


def _refuse(is_wrong: bool, what: str) -> None:
    if is_wrong:
        raise UsageError(
            f"SQL of your own reads tables of the warehouse, and not {what}",
            remedy="'show all tables' lists them; --with-personal-data opens the file itself",
        )


def _list_ctes(node: dict[str, Any]) -> Iterable[dict[str, Any]]:
    ctes = node.get("cte_map")
    return ctes.get("map", ()) if isinstance(ctes, dict) else ()


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a syntax tree."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from _walk(child)


@cache
def find_personal(schema: str, table: str) -> frozenset[str]:
    """Return the names, in lower case, of the personal columns of a table.

    Of one that no contract knows, every name counts that is personal in any documented table.
    """
    if schema in _IMPERSONAL:
        return frozenset()
    if schema == "marts" and table in find_marts():
        return _personal_names((load_mart(table),))
    documented = find_table(table.rpartition("__")[2]) if schema in _COPIES else None
    return _personal_names((documented,) if documented else load_contract().values())


def _personal_names(tables: Iterable[Table]) -> frozenset[str]:
    return frozenset(
        name.lower()
        for table in tables
        for column in (*table.columns, *table.live_columns)
        if column.is_pii
        for name in (column.name, *column.aliases)
    )
