"""Tell everything about a query: definition, grain, parameters, columns, lineage and SQL."""

import re
from collections.abc import Mapping

from sselfie_insights.query.library import ChoiceParameter, Parameter, Query
from sselfie_insights.query.run import compile_query
from sselfie_insights.query.table import TextTable, lay_out

_MART = re.compile(r"\bmarts\.(\w+)")


def read_lineage(query: Query) -> list[str]:
    """Return the marts that the query reads, in the order it names them."""
    return list(dict.fromkeys(f"marts.{name}" for name in _MART.findall(query.body)))


def describe_query(query: Query, given: Mapping[str, str]) -> str:
    """Return all that is to know about ``query``, its SQL compiled for the values ``given``.

    Raises:
        UsageError: A value is wrong.
    """
    sql, _ = compile_query(query, given)
    parts = [
        f"{query.name}: {query.title}",
        " ".join(query.description.split()),
        f"Grain: {query.grain}\nKey: {', '.join(query.key)}",
    ]
    if query.parameters:
        rows = [
            [name, describe_type(parameter), str(parameter.default or ""), parameter.description]
            for name, parameter in query.parameters.items()
        ]
        parts.append(_table("Parameters", ["name", "type", "default", "meaning"], rows))
    rows = [
        [name, column.unit + (" (personal)" if column.pii else ""), column.description]
        for name, column in query.columns.items()
    ]
    parts.append(_table("Columns", ["name", "unit", "meaning"], rows))
    parts.append("Reads: " + ", ".join(read_lineage(query)))
    parts.append(f"File: {query.path}")
    parts.append(sql)
    return "\n\n".join(parts)


def describe_type(parameter: Parameter) -> str:
    """Return what the parameter takes, in words."""
    if isinstance(parameter, ChoiceParameter):
        return " | ".join(parameter.choices)
    return parameter.type


def _table(title: str, headers: list[str], rows: list[list[str]]) -> str:
    lines, _ = lay_out(TextTable(headers, rows, [False] * len(headers)))
    return "\n".join([f"{title}:", *lines])
