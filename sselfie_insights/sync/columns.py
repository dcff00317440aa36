"""How each column travels: natively where that is exact, as text elsewhere, or not at all.

One rule holds for every type that DuckDB cannot hold exactly: its text, as Postgres writes it.
Only the types listed here are native. Some of them have single values that are not: a numeric
NaN, an array with two dimensions, a date beyond DuckDB's calendar. A column that has one travels
as text too.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sselfie_insights.sql import quote
from sselfie_insights.sync.catalog import SourceColumn, SourceTable

SCALARS = {
    "bool": "BOOLEAN",
    "bytea": "BLOB",
    "date": "DATE",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "json": "VARCHAR",
    "jsonb": "JSON",
    "oid": "UINTEGER",
    "text": "VARCHAR",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "uuid": "UUID",
    "varchar": "VARCHAR",
}
"""The native types: PostgreSQL's name, and DuckDB's type that holds every ordinary value of it."""

ELEMENTS = frozenset({"bool", "int2", "int4", "int8", "text", "uuid", "varchar"})
"""The native types whose arrays are native too."""

JUDGED_BY = "credentials 1"
"""The version of the rules for credentials: what an earlier one judged is read again."""

MAX_DIGITS = 38
"""The widest numeric that DuckDB holds."""

BEYOND_TIMESTAMP = "294247-01-10 04:00:54.775807"
"""The first instant that DuckDB cannot distinguish from infinity, or hold at all."""


@dataclass(frozen=True)
class Column:
    """A source column and its place in the mirror.

    Attributes:
        source: The column of the source.
        name: Its name in the mirror.
        transfer_mode: ``native``, ``text`` or ``secret``.
        type: Its DuckDB type.
        reason: Why it does not travel natively; empty when it does.
        is_judged: Whether its content is searched for credentials before it is read.
    """

    source: SourceColumn
    name: str
    transfer_mode: Literal["native", "text", "secret"]
    type: str
    reason: str = ""
    is_judged: bool = False

    @property
    def is_direct(self) -> bool:
        """Whether the extension's own scan of the table reads it exactly."""
        return self.transfer_mode != "text" and self.source.cast is None

    @property
    def remote(self) -> str:
        """The expression that reads it, for Postgres."""
        name = quote(self.source.name)
        if self.transfer_mode == "text":
            # What these show depends on names elsewhere; the number behind them does not.
            is_reference = (self.source.base or "").startswith("reg")
            value = f"{name}::oid" if is_reference else name
            # As its type writes it: a cast to text may be another's, or leave blanks out.
            return f"case when {name} is not null then format('%s', {value}) end"
        return f"{name}::{self.source.cast}" if self.source.cast else name

    @property
    def local(self) -> str:
        """The expression that stores it, for DuckDB."""
        if self.transfer_mode == "secret":
            return f"null::{self.type} as {quote(self.name)}"
        return f"{quote(self.name)}::{self.type} as {quote(self.name)}"

    @property
    def remote_unrepresentable(self) -> str | None:
        """The condition, for Postgres, under which a value would arrive altered, if there is one.

        DuckDB finds timestamps out of range by itself, see ``local_unrepresentable``.
        """
        if self.transfer_mode != "native":
            return None
        name = quote(self.source.name)
        if self.source.base == "numeric":
            return f"{name} = 'NaN'"
        if self.source.element:
            return f"array_ndims({name}) > 1 or array_lower({name}, 1) <> 1"
        return None

    @property
    def local_unrepresentable(self) -> str | None:
        """The aggregate, for DuckDB, that shows whether a timestamp may have arrived altered.

        Instants beyond DuckDB's calendar wrap around to years before Postgres' own began, or
        look like infinity.
        """
        if self.transfer_mode == "native" and self.source.base in ("timestamp", "timestamptz"):
            name = quote(self.name)
            return f"min({name}) < '4714-01-01 (BC)' or max({name}) = 'infinity'"
        return None

    @property
    def beyond(self) -> str:
        """The condition, for Postgres, under which a timestamp is one that DuckDB cannot hold."""
        name = quote(self.source.name)
        return f"isfinite({name}) and {name} >= '{BEYOND_TIMESTAMP}'"


@dataclass(frozen=True)
class Mirror:
    """A source table and its place in the warehouse.

    Attributes:
        table: The table of the source.
        schema: Its schema in the warehouse: ``raw`` or ``raw_<schema>``.
        name: Its name there.
        columns: Its columns; empty where DuckDB has no such table, and only rows are counted.
    """

    table: SourceTable
    schema: str
    name: str
    columns: tuple[Column, ...]

    @property
    def remote(self) -> str:
        """The qualified name, for Postgres."""
        return f"{quote(self.table.schema)}.{quote(self.table.name)}"

    @property
    def local(self) -> str:
        """The qualified name, for DuckDB."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    @property
    def fingerprint(self) -> str:
        """A digest of all that, once changed, makes the table be read again in full."""
        is_judged = any(column.is_judged for column in self.columns)
        return f"{self.table.fingerprint} {JUDGED_BY}" if is_judged else self.table.fingerprint

    @property
    def key(self) -> tuple[Column, ...]:
        """The columns of the key that travel; empty when the table has no such key."""
        by_name = {column.source.name: column for column in self.columns}
        key = tuple(by_name[name] for name in self.table.key)
        return () if any(column.transfer_mode == "secret" for column in key) else key

    @property
    def is_direct(self) -> bool:
        """Whether the extension's own parallel scan reads the table exactly.

        It splits a table by pages, and finds it by a name that ignores case, and its columns by
        the source's names.
        """
        names = [self.table.schema, self.table.name, *(c.source.name for c in self.columns)]
        return (
            not self.table.has_children
            and self.table.shows_versions
            and all(column.is_direct for column in self.columns)
            and all(column.name == column.source.name for column in self.columns)
            and any(column.transfer_mode == "native" for column in self.columns)
            and all(name == name.lower() for name in names)
        )

    def with_text(self, names: Iterable[str], reason: str) -> "Mirror":
        """Return this table with the source columns ``names`` travelling as text."""
        chosen = set(names)
        columns = (
            replace(c, transfer_mode="text", type="VARCHAR", reason=reason)
            if c.source.name in chosen and c.transfer_mode == "native"
            else c
            for c in self.columns
        )
        return replace(self, columns=tuple(columns))

    def with_secrets(self, reasons: Mapping[str, str]) -> "Mirror":
        """Return this table with source columns staying behind, each for its reason."""
        columns = (
            replace(c, transfer_mode="secret", reason=reasons[c.source.name])
            if c.source.name in reasons and c.transfer_mode != "secret"
            else c
            for c in self.columns
        )
        return replace(self, columns=tuple(columns))

    def with_judged(self, names: Collection[str]) -> "Mirror":
        """Return this table with the content of the source columns ``names`` to be judged."""
        columns = (replace(c, is_judged=c.source.name in names) for c in self.columns)
        return replace(self, columns=tuple(columns))


def place_table(
    table: SourceTable,
    schema: str,
    name: str,
    secrets: Iterable[str],
    renamed: Mapping[str, str] | None = None,
) -> Mirror:
    """Return how ``table`` travels to ``schema.name``.

    Args:
        table: The table of the source.
        schema: Its schema in the warehouse.
        name: Its name there.
        secrets: Columns that stay behind, by their names in either place.
        renamed: By the documented name of a column, its name in the source.
    """
    hidden = set(secrets)
    names = name_distinct([column.name for column in table.columns], renamed or {})
    columns = [
        _place_column(column, name, bool({column.name, name} & hidden))
        for column, name in zip(table.columns, names, strict=True)
    ]
    return Mirror(table, schema, name, tuple(columns))


def name_distinct(names: Sequence[str], renamed: Mapping[str, str]) -> list[str]:
    """Return the mirror's names of tables or columns; whose another gets becomes ``name__2``."""
    wanted = {source: documented for documented, source in renamed.items() if source in names}
    taken = set(wanted.values())
    return distinct_names(
        [wanted.get(name, f"{name}__2" if name in taken else name) for name in names]
    )


def distinct_names(names: Sequence[str]) -> list[str]:
    """Return ``names`` distinct for DuckDB, which ignores case: ``Name`` may become ``Name__2``.

    Of names that differ only in case the one in lower case keeps its name; else the first does.
    """
    taken = {name for name in names if name == name.lower()}
    result = []
    for name in names:
        chosen, number = name, 2
        while name != name.lower() and chosen.lower() in taken:
            chosen, number = f"{name}__{number}", number + 1
        taken.add(chosen.lower())
        result.append(chosen)
    return result


def _place_column(source: SourceColumn, name: str, is_secret: bool) -> Column:
    native = _native_type(source)
    if is_secret:
        return Column(source, name, "secret", native or "VARCHAR", "secret")
    if native is None:
        return Column(source, name, "text", "VARCHAR", f"{source.type} has no exact DuckDB type")
    return Column(source, name, "native", native)


def _native_type(source: SourceColumn) -> str | None:
    if source.element in ELEMENTS and source.base == f"_{source.element}":
        return f"{SCALARS[source.element]}[]"
    if source.base == "numeric" and source.modifier >= 0:
        # PostgreSQL packs precision and scale into the modifier, after four bytes of header.
        digits = ((source.modifier - 4) >> 16) & 0xFFFF
        scale = (((source.modifier - 4) & 0x7FF) ^ 1024) - 1024
        if digits <= MAX_DIGITS and 0 <= scale <= digits:
            return f"DECIMAL({digits},{scale})"
        return None
    return SCALARS.get(source.base or "")
