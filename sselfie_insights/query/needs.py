"""Which numbers cannot be known while the source lacks what they are made from.

``queries/needs.json`` lists, for every column that staging reads, the packaged queries whose
answers change without it, or columns of theirs. ``tests/integration/test_needs.py`` finds that out
by trying.
"""

import json
from collections.abc import Iterable, Mapping

import duckdb

from sselfie_insights.contract import load_contract
from sselfie_insights.resources import resource_dir
from sselfie_insights.sql import literal
from sselfie_insights.warehouse.unknown import (
    WHOLE,
    Kind,
    Lack,
    Unknown,
    write_lacks,
    write_unknown,
)

NEEDS = "needs.json"

_DUE = "growth/this_week"
"""The query of who can be contacted, which is made from the segments in Python."""


def load_needs() -> dict[str, dict[str, list[str]]]:
    """Return, by ``table.column`` of the source, the columns that need it by their queries' names.

    That is ``WHOLE`` where all of an answer does.
    """
    groups = json.loads((resource_dir("queries") / NEEDS).read_bytes())
    return {
        column: {query: [WHOLE] for query in group["queries"]} | group.get("columns_of", {})
        for group in groups
        for column in group["columns"]
    }


def record_unknown(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Write down which queries, or columns of theirs, cannot be answered, and for lack of what.

    Those are what needs a column which an earlier sync still found, one that metrics cannot do
    without, or one that is there and not read. What was never there, and is not required, is a
    part of the application that this one does not have: there nothing is to be counted.

    Args:
        connection: The private copy of a warehouse, synced and built.

    Returns:
        A sentence for each cause.
    """
    lacks = _find_lacks(connection)
    unknown = _find_unknown(lacks, load_needs())
    write_unknown(connection, unknown)
    return _describe(lacks, unknown)


def _find_unknown(
    lacks: Mapping[Lack, Iterable[str]], needs: Mapping[str, Mapping[str, Iterable[str]]]
) -> Unknown:
    """Return what needs the columns, by the names of their tables and theirs, of each lack."""
    unknown: Unknown = {}
    for lack, columns in lacks.items():
        for need in (needs[column] for column in columns if column in needs):
            for query, parts in need.items():
                for part in parts:
                    found = unknown.setdefault(query, {}).setdefault(part, [])
                    found += [lack] * (lack not in found)
    for query, of in unknown.items():
        if WHOLE in of:  # no column is known, whatever they lack
            every = {lack for each in of.values() for lack in each}
            unknown[query] = {WHOLE: [lack for lack in lacks if lack in every]}
    # Of no segment is known who is in it: that nobody is would be said by the page.
    segments = {name for need in needs.values() for name in need if name.startswith("segments/")}
    of_segments = [unknown.get(name, {}).get(WHOLE) for name in segments]
    if all(of_segments):
        every = {lack for each in of_segments for lack in each or ()}
        unknown[_DUE] = {WHOLE: [lack for lack in lacks if lack in every]}
    return unknown


def _describe(lacks: Iterable[Lack], unknown: Unknown) -> list[str]:
    sentences = []
    causes: dict[str, list[Lack]] = {}
    for lack in lacks:
        causes.setdefault(lack.cause, []).append(lack)
    for of_cause in causes.values():
        found = [
            WHOLE in of
            for query, of in unknown.items()
            if query != _DUE and any(lack in of_cause for each in of.values() for lack in each)
        ]
        whole, in_part = found.count(True), found.count(False)
        words = f"{whole} of the queries cannot be answered" if whole or not in_part else ""
        if in_part:
            words += f"{', and ' if words else ''}{in_part} in part only"
        if found:
            sentences.append(f"{words}; {write_lacks(of_cause)}")
    return sentences


def _find_lacks(connection: duckdb.DuckDBPyConnection) -> dict[Lack, list[str]]:
    """Return the tables and columns that numbers miss.

    And of each the columns that it has, by their tables' and their names.
    """
    rows = connection.execute(
        "select table_name, column_name, kind, detail from meta.contract_drift"  # noqa: S608
        f" where kind in ({', '.join(map(literal, _KINDS))}) order by all"
    ).fetchall()
    contract = load_contract()
    lacks: dict[Lack, list[str]] = {}
    lost = {(table, column) for table, column, _, _ in rows}
    for table, column, found_as, detail in rows:
        kind = _KINDS[found_as]
        found = [each for each in contract[table].columns if column in (None, each.name)]
        if kind == "missing":
            found = [each for each in found if each.is_required]
        if column is not None:
            found = [each for each in found if (table, each.instead or column) in lost]
        if found:
            thing = table if column is None else f"{table}.{column}"
            lack = Lack(thing, kind, detail if kind == "gone" else "")
            lacks[lack] = [f"{table}.{each.name}" for each in found]
    return lacks


_KINDS: Mapping[str, Kind] = {
    "table gone": "gone",
    "column gone": "gone",
    "table missing": "missing",
    "column missing": "missing",
    "table left out": "left out",
    "table not mirrored": "not mirrored",
}
"""What kind of lack a difference from the contract is."""
