"""Which columns of a user's own SQL hold personal data, by their names and the contract."""

from collections.abc import Iterable

import duckdb

from sselfie_insights.contract import load_contract

_LAYERS = ("raw", "staging", "snapshots", "intermediate")
"""The schemas whose columns keep what the source holds; the marts have no column of the kind."""


def find_personal(
    connection: duckdb.DuckDBPyConnection, sql: str, columns: Iterable[str]
) -> tuple[str, ...]:
    """Return those of ``columns`` that are called as personal data in a table that ``sql`` reads.

    A name of one's own, ``email as address``, is not seen through. For a table that the contract
    does not know, the names of all its tables count.
    """
    tables = [name.split(".")[-2:] for name in connection.get_table_names(sql, qualified=True)]
    read = {table.rpartition("__")[2] for schema, table in tables if schema in _LAYERS}
    if not read:
        return ()
    contract = load_contract()
    known = [contract[name] for name in read] if read <= contract.keys() else contract.values()
    personal = {
        name.lower()
        for table in known
        for column in table.columns
        if column.is_pii
        for name in (column.name, *column.aliases)
    }
    return tuple(name for name in columns if name.lower() in personal)
