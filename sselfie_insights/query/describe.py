"""Describe a query: definition, grain, parameters, columns, lineage and SQL."""

from collections.abc import Iterator, Mapping
from textwrap import wrap

from sselfie_insights.query.header import ChoiceParameter, Parameter, SplitParameter
from sselfie_insights.query.library import Query
from sselfie_insights.query.lineage import Model, read_tables, trace
from sselfie_insights.query.table import TextTable, lay_out
from sselfie_insights.query.template import compile_query

_MEASURE = 100
"""Lines of words are no longer than this."""


def describe_query(
    query: Query,
    given: Mapping[str, str],
    models: Mapping[str, Model] | None = None,
    width: int | None = None,
) -> str:
    """Return all that is to know about ``query``, its SQL compiled for the values ``given``.

    Args:
        query: The query.
        given: Values of its parameters as text, by name.
        models: What dbt knows of the tables below it; its lineage ends at them without.
        width: Columns of the terminal, which the SQL alone may exceed; None for none.

    Raises:
        UsageError: A value is wrong.
    """
    sql, _ = compile_query(query, given)
    measure = min(width or _MEASURE, _MEASURE)
    facts = [f"Grain: {query.grain}", f"Key: {', '.join(query.key)}"]
    if query.people:
        facts.append(f"People behind a row: {', '.join(query.people)}")
    if query.no_people:
        facts.append(f"About nobody: {query.no_people}")
    if query.analysts_only:
        facts.append(f"For analysts only: {query.analysts_only}")
    parts = [
        f"{query.name}: {query.title}",
        "\n".join(wrap(query.description, measure)),
        "\n".join(line for fact in facts for line in _hang(fact, 2, measure)),
    ]
    if query.parameters:
        rows = [
            [
                name,
                parameter.type,
                "" if parameter.default is None else str(parameter.default),
                " ".join([parameter.description, *_describe_limits(parameter)]),
            ]
            for name, parameter in query.parameters.items()
        ]
        parts.append(_table("Parameters", ["name", "type", "default", "meaning"], rows, width))
    rows = [
        [name, column.unit + (" (personal)" if column.pii else ""), column.description]
        for name, column in query.columns.items()
    ]
    parts.append(_table("Columns", ["name", "unit", "meaning"], rows, width))
    if query.rows:
        asked = [f"  sselfie query run {name}" for name in query.rows]
        parts.append("\n".join(["The rows behind it:", *asked]))
    parts += _describe_lineage(read_tables(query), models or {}, measure)
    parts.append(f"File: {query.path}")
    parts.append(sql)
    return "\n\n".join(parts)


def _describe_limits(parameter: Parameter) -> Iterator[str]:
    if isinstance(parameter, ChoiceParameter):
        yield f"One of {', '.join(parameter.choices)}."
    if isinstance(parameter, SplitParameter):
        yield f"One of none, a column of {' or '.join(parameter.of)}, segment:NAME."
    for needed, choice in parameter.needs.items():
        yield f"Needs {needed}={choice}."


def _describe_lineage(tables: list[str], models: Mapping[str, Model], measure: int) -> list[str]:
    """What the query reads, in dbt's words, and everything that is made from."""
    purposes = [f"{name}: {models[name].description}" for name in tables if name in models]
    reads = [f"Reads: {', '.join(tables)}", *purposes]
    parts = ["\n".join(line for text in reads for line in _hang(text, 2, measure))]
    layers = trace(tables, models)
    if len(layers) > 1:
        wide = max(map(len, layers)) + 2
        lines = [
            line
            for layer, names in reversed(layers.items())
            for line in _hang(
                layer.ljust(wide) + ", ".join(name.partition(".")[2] for name in names),
                wide,
                measure,
            )
        ]
        parts.append("\n".join(["Made from, the source first:", *lines]))
    return parts


def _hang(text: str, indent: int, measure: int) -> list[str]:
    return wrap(text, measure, subsequent_indent=" " * indent)


def _table(title: str, headers: list[str], rows: list[list[str]], width: int | None) -> str:
    table = TextTable(headers, rows, [False] * len(headers))
    lines, hidden = lay_out(table, width)
    if hidden:
        title += f" (widen the terminal to see: {', '.join(hidden)})"
    return "\n".join([f"{title}:", *lines])
