"""Which columns of a user's own SQL hold personal data, by their names and the contracts."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import duckdb

from sselfie_insights.contract import find_marts, load_contract, load_mart
from sselfie_insights.sql import literal

_LAYERS = ("raw", "staging", "snapshots", "intermediate")
"""The schemas whose columns keep what the source holds."""


def find_personal(
    connection: duckdb.DuckDBPyConnection, sql: str, columns: Iterable[str]
) -> tuple[str, ...]:
    """Return those of ``columns`` that are called as personal data in a table that ``sql`` reads.

    A name of one's own, ``email as address``, is not seen through, nor is ``query('…')``. For a
    table that the contract does not know, the names of all its tables count.
    """
    # DuckDB's own get_table_names() refuses every USING.
    row = connection.execute(f"select json_serialize_sql({literal(sql)})").fetchone()
    tables = set(_find_tables(json.loads(row[0]) if row else None))
    copied = {name.rpartition("__")[2] for schema, name in tables if schema in _LAYERS}
    marts = {name for schema, name in tables if schema == "marts"}
    read = [load_mart(name) for name in marts & find_marts().keys()]
    if copied:
        contract = load_contract()
        is_known = copied <= contract.keys()
        read += [contract[name] for name in copied] if is_known else contract.values()
    personal = {
        name.lower()
        for table in read
        for column in table.columns
        if column.is_pii
        for name in (column.name, *column.aliases)
    }
    return tuple(name for name in columns if name.lower() in personal)


def _find_tables(node: Any) -> Iterator[tuple[str, str]]:
    """Yield the schema and the name of every table in a syntax tree."""
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield node["schema_name"].lower(), node["table_name"].lower()
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from _find_tables(child)
