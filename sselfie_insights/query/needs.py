"""Which numbers cannot be known while the source lacks what they are made from.

``queries/needs.json`` lists, for every column that staging reads, the packaged queries whose
answers change without it. ``tests/integration/test_needs.py`` finds that out by trying.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable

import duckdb

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import name_some
from sselfie_insights.resources import resource_dir
from sselfie_insights.warehouse.gaps import NOT_KNOWN, write_unknown

NEEDS = "needs.json"

_DUE = "growth/this_week"
"""The query of who can be contacted, which is made from the segments in Python."""


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
    lost: dict[str, dict[str, list[str]]] = {}
    sentences = []
    for since, things in lacks.items():
        unknown: set[str] = set()
        for thing, columns in things.items():
            names = frozenset[str]().union(*(needs.get(column, ()) for column in columns))
            unknown |= names
            for name in names:
                lost.setdefault(name, {}).setdefault(since, []).append(thing)
        if unknown:
            reason = _write_reason(since, things)
            sentences.append(f"{len(unknown)} of the queries cannot be answered; {reason}")
    # Of no segment is known who is in it: that nobody is would be said by the page.
    segments = {name for names in needs.values() for name in names if name.startswith("segments/")}
    if segments <= lost.keys():
        every = {
            since: [
                thing
                for thing in things
                if any(thing in lost[name].get(since, ()) for name in segments)
            ]
            for since, things in lacks.items()
        }
        lost[_DUE] = {since: things for since, things in every.items() if things}
    reasons = {
        name: "; ".join(_write_reason(since, things) for since, things in of.items())
        for name, of in lost.items()
    }
    write_unknown(connection, reasons)
    return sentences


def _write_reason(since: str, things: Iterable[str]) -> str:
    if since:
        return f"{NOT_KNOWN} since {since}: the source no longer has {name_some(things)}"
    return f"{NOT_KNOWN}: the source lacks {name_some(things)}"


def merge_reasons(reasons: Iterable[str]) -> list[tuple[str, int]]:
    """Return why queries are not known, once for all that is so since then, with their number.

    Args:
        reasons: Those of the queries, as ``record_unknown`` writes them.
    """
    things: dict[str, dict[str, None]] = {}
    counts: Counter[str] = Counter()
    for reason in reasons:
        for part in reason.split("; "):
            match = _REASON.fullmatch(part)
            if match is None:
                counts[part] += 1
                continue
            counts[match[1]] += 1
            things.setdefault(match[1], {}).update(dict.fromkeys(match[2].split(", ")))
    return [
        (f"{said} {name_some(things[said])}" if said in things else said, count)
        for said, count in counts.most_common()
    ]


_REASON = re.compile(r"(.*?(?:the source lacks|no longer has)) (.*?)(?: and \d+ more)?")


def _find_lacks(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, list[str]]]:
    """Return what numbers miss, by the instant since when, empty if ever: tables and columns.

    Of each the columns that it has, by their tables' and their names.
    """
    rows = connection.execute(
        "select table_name, column_name, kind, detail from meta.contract_drift"
        " where kind in ('table gone', 'column gone', 'table missing', 'column missing')"
        " order by all"
    ).fetchall()
    contract = load_contract()
    lacks: dict[str, dict[str, list[str]]] = {}
    lost = {(table, column) for table, column, _, _ in rows}
    for table, column, kind, detail in rows:
        found = [each for each in contract[table].columns if column in (None, each.name)]
        if kind.endswith("missing"):
            found = [each for each in found if each.is_required]
        if column is not None:
            found = [each for each in found if (table, each.instead or column) in lost]
        if found:
            thing = table if column is None else f"{table}.{column}"
            since = detail if kind.endswith("gone") else ""
            lacks.setdefault(since, {})[thing] = [f"{table}.{each.name}" for each in found]
    return lacks
