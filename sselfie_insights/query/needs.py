"""Which numbers cannot be known while the source lacks what they are made from.

``queries/needs.json`` lists, for every column that staging reads, the packaged queries whose
answers change without it. ``tests/integration/test_needs.py`` finds that out by trying.
"""

import json

import duckdb

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import name_some
from sselfie_insights.resources import resource_dir
from sselfie_insights.warehouse.gaps import write_unknown

NEEDS = "needs.json"


def load_needs() -> dict[str, frozenset[str]]:
    """Return, by ``table.column`` of the source, the names of the queries that need it."""
    groups = json.loads((resource_dir("queries") / NEEDS).read_bytes())
    return {column: frozenset(group["queries"]) for group in groups for column in group["columns"]}


def record_unknown(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Write down which queries cannot be answered for lack of columns, and why.

    Those are queries that need a column which an earlier sync still found, or one that metrics
    cannot do without. What was never there, and is not required, is a part of the application
    that this one does not have: there nothing is to be counted.

    Args:
        connection: The private copy of a warehouse, synced and built.

    Returns:
        A sentence for each lack.
    """
    lacks = _find_lacks(connection)
    needs = load_needs()
    reasons: dict[str, list[str]] = {}
    sentences = []
    for reason, columns in lacks.items():
        names = frozenset[str]().union(*(needs.get(column, ()) for column in columns))
        for name in names:
            reasons.setdefault(name, []).append(reason)
        if names:
            sentences.append(f"{len(names)} of the queries cannot be answered; {reason}")
    write_unknown(connection, {name: "; ".join(found) for name, found in reasons.items()})
    return sentences


def _find_lacks(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Return the columns that numbers miss, by the reason that readers get."""
    rows = connection.execute(
        "select table_name, column_name, kind, detail from meta.contract_drift"
        " where kind in ('table gone', 'column gone', 'table missing', 'column missing')"
        " order by all"
    ).fetchall()
    contract = load_contract()
    gone: dict[str, list[str]] = {}
    never: list[str] = []
    columns: dict[str, list[str]] = {}
    lost = {(table, column) for table, column, _, _ in rows}
    for table, column, kind, detail in rows:
        documented = contract[table].columns
        found = [each for each in documented if column in (None, each.name)]
        if kind.endswith("missing"):
            found = [each for each in found if each.is_required]
        if column is not None:
            found = [each for each in found if (table, each.instead or column) in lost]
        name = table if column is None else f"{table}.{column}"
        if found:
            key = detail if kind.endswith("gone") else ""
            (gone.setdefault(detail, []) if key else never).append(name)
            columns.setdefault(key, []).extend(f"{table}.{each.name}" for each in found)
    lacks = {
        f"not known since {since}: the source no longer has {name_some(names)}": columns[since]
        for since, names in gone.items()
    }
    if never:
        lacks[f"not known: the source lacks {name_some(never)}"] = columns[""]
    return lacks
