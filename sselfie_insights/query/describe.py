"""Tell everything about a query: definition, grain, parameters, columns, lineage and SQL."""

from collections.abc import Mapping
from textwrap import wrap

from sselfie_insights.query.library import ChoiceParameter, Parameter, Query
from sselfie_insights.query.lineage import Model, read_tables, trace
from sselfie_insights.query.table import TextTable, lay_out
from sselfie_insights.query.template import compile_query

_MEASURE = 100
"""Lines of words are no longer than this."""


def describe_query(
    query: Query, given: Mapping[str, str], models: Mapping[str, Model] | None = None
) -> str:
    """Return all that is to know about ``query``, its SQL compiled for the values ``given``.

    Args:
        query: The query.
        given: Values of its parameters as text, by name.
        models: What dbt knows of the tables below it; its lineage ends at them without.

    Raises:
        UsageError: A value is wrong.
    """
    sql, _ = compile_query(query, given)
    parts = [
        f"{query.name}: {query.title}",
        "\n".join(wrap(query.description, _MEASURE)),
        f"Grain: {query.grain}\nKey: {', '.join(query.key)}",
    ]
    if query.parameters:
        rows = [
            [
                name,
                describe_type(parameter),
                "" if parameter.default is None else str(parameter.default),
                " ".join([parameter.description, *_describe_needs(parameter)]),
            ]
            for name, parameter in query.parameters.items()
        ]
        parts.append(_table("Parameters", ["name", "type", "default", "meaning"], rows))
    rows = [
        [name, column.unit + (" (personal)" if column.pii else ""), column.description]
        for name, column in query.columns.items()
    ]
    parts.append(_table("Columns", ["name", "unit", "meaning"], rows))
    if query.drill_downs:
        asked = [f"  sselfie query run {name}" for name in query.drill_downs]
        parts.append("\n".join(["The rows behind it:", *asked]))
    parts += _describe_lineage(read_tables(query), models or {})
    parts.append(f"File: {query.path}")
    parts.append(sql)
    return "\n\n".join(parts)


def describe_type(parameter: Parameter) -> str:
    """Return what the parameter takes, in words."""
    if isinstance(parameter, ChoiceParameter):
        return " | ".join(parameter.choices)
    return parameter.type


def _describe_needs(parameter: Parameter) -> list[str]:
    return [f"Needs {needed}={choice}." for needed, choice in parameter.needs.items()]


def _describe_lineage(tables: list[str], models: Mapping[str, Model]) -> list[str]:
    """What the query reads, in dbt's words, and everything that is made from."""
    told = [f"{name}: {models[name].description}" for name in tables if name in models]
    reads = ["Reads: " + ", ".join(tables), *(line for text in told for line in _hang(text, 2))]
    parts = ["\n".join(reads)]
    layers = trace(tables, models)
    if len(layers) > 1:
        wide = max(map(len, layers)) + 2
        lines = [
            line
            for layer, names in reversed(layers.items())
            for line in _hang(
                layer.ljust(wide) + ", ".join(name.partition(".")[2] for name in names), wide
            )
        ]
        parts.append("\n".join(["Made from, the source first:", *lines]))
    return parts


def _hang(text: str, indent: int) -> list[str]:
    return wrap(text, _MEASURE, subsequent_indent=" " * indent, drop_whitespace=True)


def _table(title: str, headers: list[str], rows: list[list[str]]) -> str:
    lines, _ = lay_out(TextTable(headers, rows, [False] * len(headers)))
    return "\n".join([f"{title}:", *lines])
