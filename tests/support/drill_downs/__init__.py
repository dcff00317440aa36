"""Add up the rows that a query's drill-down lists, and hold the sums against the query.

The sums are written here a second time, from the definitions of METRICS.md, over nothing but the
lists and the calendar of the build.
"""

from typing import Any

import duckdb

from sselfie_insights.query import OpenWarehouse, find_query, load_library, run_query
from sselfie_insights.query.header import NUMERIC_UNITS
from sselfie_insights.query.library import Query
from sselfie_insights.query.template import compile_query
from sselfie_insights.sql import literal
from tests.support.drill_downs.money import MONEY
from tests.support.drill_downs.sums import Sums
from tests.support.drill_downs.use import USE

SUMS = MONEY | USE

TOLERANCE = 1e-9
"""Of rates, medians and the like, by the query's own size."""

NOTHING = "nothing to add up"

DERIVED = {"step_index"}
"""A step's place is a name of it."""


def list_unsummed(warehouse: OpenWarehouse, name: str) -> list[str]:
    """Return a line for every number of the query ``name`` that its drill-downs do not give."""
    library = load_library()
    query = find_query(name, library)
    found = []
    for sums in SUMS[name]:
        numbers = {key for key in query.columns if query.columns[key].unit in NUMERIC_UNITS}
        # An interval follows from its share and n.
        ends = {end for column in query.columns.values() for end in column.interval or ()}
        numbers -= {*query.key, *ends, *DERIVED, *sums.stored}
        whole = run_query(warehouse, query, sums.given).frame.to_dicts()
        parts = _add_up(warehouse.connection, query, sums)
        if not parts:
            found.append(f"{name}: {NOTHING}")
        silent = [column for column in sorted(numbers) if parts and column not in parts[0]]
        found += [f"{name}: {column} is given by no parts" for column in silent]
        lines = _differences(query, numbers, whole, parts)
        found += [f"{name} {sums.given}: {line}" for line in lines]
    return found


def _add_up(
    connection: duckdb.DuckDBPyConnection, query: Query, sums: Sums
) -> list[dict[str, Any]]:
    """Put the drill-downs into temporary tables, and run the sums over them."""
    for name in query.rows:
        sql, values = compile_query(find_query(name, load_library()), sums.parts.get(name, {}))
        for parameter, value in sorted(values.items(), reverse=True):
            sql = sql.replace(f"${parameter}", literal(value))
        table = name.rpartition("/")[2]
        connection.execute(f"create or replace temp table {table} as {sql}")
    cursor = connection.execute(sums.sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _differences(
    query: Query, columns: set[str], whole: list[dict[str, Any]], parts: list[dict[str, Any]]
) -> list[str]:
    """Compare row by row; a row that one side lacks counts as nothing."""
    wholes, sums_of_parts = (
        {tuple(row[key] for key in query.key): row for row in rows} for rows in (whole, parts)
    )
    lines = []
    for place in wholes.keys() | sums_of_parts.keys():
        for column in columns:
            expected, found = (
                float(rows.get(place, {}).get(column) or 0) for rows in (wholes, sums_of_parts)
            )
            if abs(expected - found) > TOLERANCE * max(1, abs(expected)):
                lines.append(f"{column} of {place} is {expected}, its parts give {found}")
    return sorted(lines)[:5]
