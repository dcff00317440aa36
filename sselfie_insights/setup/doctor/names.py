"""What a live database calls otherwise than its document, and the lines of sselfie.toml for it."""

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from difflib import SequenceMatcher

from sselfie_insights.check.rules import CODE_WORD
from sselfie_insights.contract import Column, Table, load_contract
from sselfie_insights.errors import name_some
from sselfie_insights.postgres import FULL_TYPE_NAMES
from sselfie_insights.settings import CONFIG_FILE, Settings
from sselfie_insights.setup.doctor.finding import Finding
from sselfie_insights.setup.doctor.lacking import (
    describe_absent,
    describe_lacking,
    find_absent,
    find_shown,
)
from sselfie_insights.sql import literal, quote
from sselfie_insights.sync.catalog import Catalog, LeftOut, SourceColumn, SourceTable
from sselfie_insights.sync.names import Names, find_names, name_columns, spell, stem
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


def propose_names(
    source: Source, catalog: Catalog, left_out: Iterable[LeftOut], settings: Settings
) -> Iterator[Finding]:
    """Yield the tables and columns that look renamed, and values and units that need a word.

    Args:
        source: The source; its role may read every table.
        catalog: Its tables.
        left_out: What is not mirrored.
        settings: What is renamed and mapped already.
    """
    names = find_names(catalog, settings)
    absent = find_absent(catalog, left_out, names, settings)
    likely = _find_tables(catalog, names, absent, settings)
    for name, found in likely.items():
        yield _propose(
            "tables",
            f"the source has no table {name}, and one {found.name} that looks like it",
            f"tables.renamed.{name} = {json.dumps(found.name)}",
        )
    shown = find_shown(source, catalog, absent.values())
    for name, found in shown.items():
        yield _propose(
            "views",
            f"{name} is a view, and so not mirrored, which seems to show all of {found.name}",
            f"tables.renamed.{name} = {json.dumps(found.name)}",
        )
    yield from describe_absent(absent, shown)
    yield from describe_lacking(source, catalog, names, {*likely, *absent}, settings)
    likely |= shown
    for table in load_contract().values():
        name = names.tables.get(table.name, table.name)
        found_table = likely.get(table.name) or catalog.get((settings.source_schemas[0], name))
        if found_table is None:
            continue
        # What is pasted together works together.
        renamed = name_columns(found_table, table, settings.columns.get(table.name, {}))
        for column, other in _find_renamed(source, found_table, table, renamed).items():
            renamed[column] = other
            yield _propose(
                "columns",
                f"{table.name} has no column {column}, and one {other} that looks like it",
                f"columns.{table.name}.{column} = {json.dumps(other)}",
            )
        yield from _find_values(source, found_table, table, settings, renamed)
        yield from _find_units(found_table, table, settings, renamed)


def _propose(part: str, seen: str, line: str) -> Finding:
    return Finding(part, "warning", seen, f"if it is, put on top of {CONFIG_FILE}: {line}")


def _find_tables(
    catalog: Catalog, names: Names, absent: Container[str], settings: Settings
) -> dict[str, SourceTable]:
    """Return, by documented name, the undocumented table that is most likely it.

    Half of the documented columns make it likely, or a few and a name that means the same.
    """
    contract = load_contract()
    schema = settings.source_schemas[0]
    present = {table.name: table for table in catalog.values() if table.schema == schema}
    known = {*contract, *names.tables.values()}
    strange = [table for name, table in present.items() if name not in known]
    missing = [
        table
        for name, table in contract.items()
        if name not in present and name not in names.tables and name not in absent
    ]
    scores = sorted(
        (
            (_score_table(table, other), table.name, other.name)
            for table in missing
            for other in strange
        ),
        reverse=True,
    )
    likely: dict[str, SourceTable] = {}
    taken: set[str] = set()
    for score, name, other_name in scores:
        if score >= _LIKELY and name not in likely and other_name not in taken:
            likely[name] = present[other_name]
            taken.add(other_name)
    return likely


def _score_table(table: Table, other: SourceTable) -> float:
    """Return how likely ``other`` is ``table``: by its columns, and by its name."""
    spelled = {spell(column.name) for column in other.columns}
    telling = [column for column in table.columns if column.name not in _EVERYWHERE]
    same = [c for c in telling if spelled & {spell(name) for name in (c.name, *c.aliases)}]
    meant = {*_words(table.name), *_ALSO_CALLED.get(table.name, ())}
    is_called = any(stem(word) in map(stem, meant) for word in _words(other.name))
    is_needed = any(column.is_required for column in table.columns)
    if len(same) < _FEW_COLUMNS or not (is_called or is_needed):
        return 0.0
    return len(same) / len(telling) + (_CALLED if is_called else 0.0)


_CALLED = 0.5
"""What a name that means the same is worth, of the share of columns."""

_EVERYWHERE = frozenset({"id", "user_id", "created_at", "updated_at", "status", "title"})
"""Columns that tell nothing of a table."""

_FEW_COLUMNS = 2
"""How many telling columns at least two tables have in common that are one."""

_ALSO_CALLED = {
    "users": ("profiles", "accounts", "customers", "members", "people"),
    "subscriptions": ("memberships",),
    "stripe_payments": ("orders", "charges", "purchases", "invoices"),
    "user_credits": ("balances", "wallets"),
    "credit_transactions": ("ledger", "usage"),
}
"""What starter kits call the tables that numbers cannot do without."""


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+|[0-9]+", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()))


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
    explained = table.known_names | set(renamed.values())
    strange = [column for name, column in present.items() if name not in explained]
    scores = sorted(
        (
            (score, column.is_required, column.name, other.name)
            for column in missing
            for other in strange
            if _kind(column.data_type) == _kind(other.type)
            and (score := _score(source, found, table, column, other)) >= _LIKELY
        ),
        reverse=True,
    )
    likely: dict[str, str] = {}
    for score, is_required, name, other_name in scores:
        rivals = [each for each in scores if (each[0], each[3]) == (score, other_name)]
        if name in likely or other_name in likely.values():
            continue
        if is_required or len(rivals) == 1:  # else it may be either
            likely[name] = other_name
    return likely


def _score(
    source: Source, found: SourceTable, table: Table, column: Column, other: SourceColumn
) -> float:
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
    own = {stem(word) for word in _words(table.name)}
    words, other_words = _words(column.name), _words(other.name)
    if words - own and words - own == other_words - own:
        return 1.0  # the stripe_id of a subscription
    rest, other_rest = words - other_words - _JOINTS, other_words - words - _JOINTS
    if (rest and other_rest) or not (words & other_words) - _JOINTS:
        # Ended is not updated; a slip of the pen is all that such names may differ by.
        ratio = SequenceMatcher(None, column.name, other.name.lower()).ratio()
        return ratio if ratio >= _SLIP else 0.0
    return 0.9


_JOINTS = frozenset({"at", "on", "by", "is", "has", "id", "of", "date"})
"""Words of a name that say what kind of value it is, and not which."""

_SLIP = 0.85


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
