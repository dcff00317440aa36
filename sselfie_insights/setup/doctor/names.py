"""What a live database calls otherwise than its document, and the lines of sselfie.toml for it."""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from sselfie_insights.check.rules import CODE_WORD
from sselfie_insights.contract import Column, Table, load_contract
from sselfie_insights.postgres import FULL_TYPE_NAMES
from sselfie_insights.settings import CONFIG_FILE, Settings
from sselfie_insights.setup.doctor.finding import Finding
from sselfie_insights.sql import literal, quote
from sselfie_insights.sync.catalog import Catalog, SourceColumn, SourceTable
from sselfie_insights.sync.source import Source

_LIKELY = 0.6
"""How much alike, of 1, two names are before one is proposed for the other."""

_SAME_WORD = 0.8
"""The same of two values, which are shorter."""

_MOST_VALUES = 200
"""How many undocumented values of a table are looked at, the most frequent first."""

_KINDS = (
    ("number", ("integer", "bigint", "smallint", "numeric", "double precision", "serial")),
    ("moment", ("timestamp with time zone", "timestamp without time zone", "date", "timestamptz")),
    ("boolean", ("boolean",)),
    ("document", ("jsonb", "json")),
)


def propose_names(source: Source, catalog: Catalog, settings: Settings) -> Iterator[Finding]:
    """Yield the columns that look renamed, and the values that no document lists.

    Args:
        source: The source; its role may read every table.
        catalog: Its tables.
        settings: What is renamed and mapped already.
    """
    for table in load_contract().values():
        found = catalog.get((settings.source_schemas[0], table.name))
        if found is None:
            continue
        renamed = settings.columns.get(table.name, {})
        for column, likely in _find_renamed(source, found, table, renamed).items():
            yield Finding(
                "columns",
                "warning",
                f"{table.name} has no column {column}, and one {likely} that looks like it",
                f"if it is, put on top of {CONFIG_FILE}:"
                f" columns.{table.name}.{column} = {json.dumps(likely)}",
            )
        yield from _find_values(source, found, table, settings)


def _find_renamed(
    source: Source, found: SourceTable, table: Table, renamed: Mapping[str, str]
) -> dict[str, str]:
    """Return, by documented name, the undocumented column that is most likely it."""
    present = {column.name: column for column in found.columns}
    missing = [
        column
        for column in table.columns
        if not {renamed.get(column.name, column.name), *column.aliases} & present.keys()
    ]
    explained = {name for c in table.every_column for name in (c.name, *c.aliases)}
    explained |= set(renamed.values())
    strange = [column for name, column in present.items() if name not in explained]
    scores = sorted(
        (
            (_score(source, found, column, other), column.name, other.name)
            for column in missing
            for other in strange
            if _kind(column.data_type) == _kind(other.type)
        ),
        reverse=True,
    )
    likely: dict[str, str] = {}
    for score, name, other_name in scores:
        if score >= _LIKELY and name not in likely and other_name not in likely.values():
            likely[name] = other_name
    return likely


def _score(source: Source, found: SourceTable, column: Column, other: SourceColumn) -> float:
    """Return how likely ``other`` is ``column``: by its values, else by its name."""
    if column.values:
        known = ", ".join(literal(value) for value in (*column.values, *column.live_values))
        value = quote(other.name)
        ((count, strange),) = source.execute(
            f"select count({value}), count({value}) filter"  # noqa: S608  # as below
            f" (where lower({value}::text) not in ({known}))"
            f" from {quote(found.schema)}.{quote(found.name)}"
        )
        if count:
            return 0.0 if strange else 1.0
    words, other_words = set(column.name.split("_")), set(other.name.lower().split("_"))
    if words < other_words or other_words < words:
        return 0.9
    return SequenceMatcher(None, column.name, other.name.lower()).ratio()


def _kind(data_type: str) -> str:
    """Return what a type holds, whatever its size."""
    name = re.sub(r"\(.*?\)|\[\]", "", data_type.lower()).strip()
    name = FULL_TYPE_NAMES.get(name, name)
    # An enum or a domain of the application's own holds words.
    kind = next((kind for kind, names in _KINDS if name in names), "text")
    return f"{kind}[]" if data_type.endswith("[]") else kind


def _find_values(
    source: Source, found: SourceTable, table: Table, settings: Settings
) -> Iterator[Finding]:
    """Yield a finding for every column with undocumented values, which may be code words."""
    present = {column.name for column in found.columns}
    mapped = settings.values.get(table.name, {})
    renamed = settings.columns.get(table.name, {})
    columns = [
        (column, name)
        for column in table.columns
        for name in (renamed.get(column.name, column.name), *column.aliases)
        if column.values and name in present
    ]
    if not columns:
        return
    pairs = ", ".join(f"({literal(column.name)}, {quote(name)}::text)" for column, name in columns)
    known = ", ".join(
        f"({literal(column.name)}, {literal(value)})"
        for column, _ in columns
        for value in (*column.values, *column.live_values, *mapped.get(column.name, ()))
    )
    rows = source.execute(
        "select each.name, each.value, count(*)"  # noqa: S608  # names quoted, values literals
        f" from {quote(found.schema)}.{quote(found.name)}"
        f" cross join lateral (values {pairs}) as each (name, value)"
        f" where each.value is not null and (each.name, each.value) not in ({known})"
        f" group by 1, 2 order by 3 desc, 1, 2 limit {_MOST_VALUES}"
    )
    for column, _ in columns:
        words = [(v, count) for n, v, count in rows if n == column.name and CODE_WORD.fullmatch(v)]
        if words:
            yield _propose_values(table.name, column, words)


def _propose_values(table: str, column: Column, words: list[tuple[str, int]]) -> Finding:
    listed = ", ".join(f"{value} ({count})" for value, count in words)
    meant = {value: _nearest(value, column) or "…" for value, _ in words}
    pairs = ", ".join(f'"{value}" = "{documented}"' for value, documented in meant.items())
    choices = f"; … is one of {', '.join(column.values)}" if "…" in meant.values() else ""
    return Finding(
        "values",
        "warning",
        f"{table}.{column.name} has undocumented values (rows): {listed}",
        f"if one means a documented value, put on top of {CONFIG_FILE}:"
        f" values.{table}.{column.name} = {{{pairs}}}{choices}",
    )


def _nearest(value: str, column: Column) -> str:
    """Return the documented value that is spelled like ``value``, empty where none is."""

    def plain(word: str) -> str:
        return re.sub(r"[^a-z0-9]", "", word.lower())

    scores = [
        (SequenceMatcher(None, plain(value), plain(known)).ratio(), known)
        for known in column.values
    ]
    score, known = max(scores)
    return known if score >= _SAME_WORD else ""
