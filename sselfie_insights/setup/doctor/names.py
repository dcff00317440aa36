"""What a live database calls otherwise than its document, and the lines of sselfie.toml for it."""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from sselfie_insights.check.rules import CODE_WORD
from sselfie_insights.contract import Column, Table, load_contract
from sselfie_insights.errors import name_some
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
    """Yield the columns that look renamed, and the values and units that no document lists.

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
        likely = _find_renamed(source, found, table, renamed)
        for column, name in likely.items():
            yield Finding(
                "columns",
                "warning",
                f"{table.name} has no column {column}, and one {name} that looks like it",
                f"if it is, put on top of {CONFIG_FILE}:"
                f" columns.{table.name}.{column} = {json.dumps(name)}",
            )
        # What is pasted together works together.
        yield from _find_values(source, found, table, settings, {**likely, **renamed})
        yield from _find_units(found, table, settings, {**likely, **renamed})


def _find_units(
    found: SourceTable, table: Table, settings: Settings, renamed: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield a finding for every column with amounts that may be dollars as well as cents."""
    present = {column.name: column for column in found.columns}
    known = settings.units.get(table.name, {})
    for column in table.columns:
        names = (renamed.get(column.name, column.name), *column.aliases)
        name = next((name for name in names if name in present), None)
        if not column.is_money or column.name in known or name is None:
            continue
        if _is_whole(present[name].type):
            continue
        yield Finding(
            "units",
            "warning",
            f"{table.name}.{name} is {present[name].type}, and so in dollars or in cents",
            f"put on top of {CONFIG_FILE}:"
            f' units.{table.name}.{column.name} = "major"; "minor" if 97.00 there means 97 cents',
        )


def _is_whole(data_type: str) -> bool:
    return FULL_TYPE_NAMES.get(data_type, data_type) in ("smallint", "integer", "bigint")


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
    source: Source,
    found: SourceTable,
    table: Table,
    settings: Settings,
    renamed: Mapping[str, str],
) -> Iterator[Finding]:
    """Yield a finding for every column with undocumented values, which may be code words."""
    present = {column.name for column in found.columns}
    mapped = settings.values.get(table.name, {})
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
        f" and (each.name, lower(trim(each.value))) not in ({known})"
        f" group by 1, 2 order by 3 desc, 1, 2 limit {_MOST_VALUES}"
    )
    for column, _ in columns:
        words = [(v, count) for n, v, count in rows if n == column.name and CODE_WORD.fullmatch(v)]
        if words:
            yield _propose_values(table.name, column, words)


def _propose_values(table: str, column: Column, words: list[tuple[str, int]]) -> Finding:
    listed = ", ".join(f"{value} ({count})" for value, count in words)
    meant = {value: _guess(value, column) for value, _ in words}
    pairs = ", ".join(f'"{value}" = "{guess}"' for value, guess in meant.items() if guess)
    line = f"values.{table}.{column.name} = "
    remedies = []
    if pairs:
        remedies.append(
            f"if that is what they mean, put on top of {CONFIG_FILE}: {line}{{{pairs}}}"
        )
    unknown = [value for value, guess in meant.items() if not guess]
    if unknown:
        example = f'{{"{unknown[0]}" = "{column.values[0]}"}}'
        remedies.append(
            f"of {name_some(unknown)} say in {CONFIG_FILE} which of {', '.join(column.values)} it"
            f" means, as in {line}{example}"
        )
    return Finding(
        "values",
        "warning",
        f"{table}.{column.name} has undocumented values (rows): {listed}",
        "; ".join(remedies),
    )


_SYNONYMS = (
    {"succeeded", "success", "successful", "complete", "completed", "captured", "settled"},
    {"failed", "failure", "error", "declined", "rejected"},
    {"pending", "processing", "created", "open"},
    {"cancelled", "canceled", "ended"},
    {"active", "enabled", "live"},
    {"trialing", "trial", "in_trial"},
    {"expired", "lapsed"},
)
"""Words that payment providers and starter kits use for the same state."""


def _guess(value: str, column: Column) -> str:
    """Return the documented value that ``value`` is a spelling or a synonym of, if there is one."""

    def plain(word: str) -> str:
        return re.sub(r"[^a-z0-9]", "", word.lower())

    known = (*column.values, *column.live_values)
    for words in _SYNONYMS:
        if plain(value) in map(plain, words):
            same = [word for word in known if word in words]
            if same:
                return same[0]
    scores = [(SequenceMatcher(None, plain(value), plain(word)).ratio(), word) for word in known]
    score, word = max(scores)
    return word if score >= _SAME_WORD else ""
