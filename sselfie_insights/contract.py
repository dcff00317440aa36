"""The contracts: of the source, and of the marts; tables and columns read from dbt's YAML files.

The source files are the one place that says what the application's database holds. Redaction, the
conforming macro, the expectations and the migrations' test all read them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from sselfie_insights.resources import resource_dir

SERIAL = "serial"
"""The default of a column that takes the next number of its own sequence."""

Key = Literal["primary", "unique", "foreign"]


@dataclass(frozen=True)
class Column:
    """One documented column.

    Attributes:
        name: Its documented name.
        data_type: PostgreSQL type in lower case: ``text``, ``timestamptz``, ``text[]`` …
        description: What it holds, in words.
        key: ``primary``, ``unique`` or ``foreign``; a unique column can also reference a table.
        references: The table whose primary key it holds, if any.
        default: The documented default as text, ``serial`` for a sequence of its own, or None.
        values: The documented values; empty when any is allowed.
        live_values: Further values that live databases are known to hold.
        aliases: Other names under which live databases hold it.
        is_pii: Whether it identifies a person, or holds what a person wrote.
        is_secret: Whether it is a credential, which never leaves Postgres.
        is_required: Whether metrics cannot do without it: it must be there, and never NULL.
        instead: The documented column that serves where this one is missing, if one does.
        live_types: Further types, beside ``data_type``, in which live databases hold it.
        minimum: The least number that is possible, if there is one.
        maximum: The greatest number that is possible, if there is one.
        minimum_unless: Columns, and their values in rows where ``minimum`` does not hold.
        may_be_ahead: Whether its dates and instants can lie in the future.
        json_shapes: What its JSON may be: ``object``, ``array`` or both.
        is_money: Whether it is an amount in minor units of its row's currency, such as cents.
        unit: What the owner says that the source has there: ``minor``, ``major`` or nothing.
    """

    name: str
    data_type: str
    description: str
    key: Key | None = None
    references: str | None = None
    default: str | None = None
    values: tuple[str, ...] = ()
    live_values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    is_pii: bool = False
    is_secret: bool = False
    is_required: bool = False
    instead: str | None = None
    live_types: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    minimum_unless: Mapping[str, Sequence[str]] = field(default_factory=dict)
    may_be_ahead: bool = False
    json_shapes: tuple[str, ...] = ("object", "array")
    is_money: bool = False
    unit: str = ""

    @property
    def is_id(self) -> bool:
        """Whether it is a number that identifies a row; elsewhere a text may do that."""
        return self.data_type == "integer" and self.key in ("primary", "foreign")


@dataclass(frozen=True)
class Freshness:
    """How often a table ought to get new rows.

    Attributes:
        column: The instant at which a row came to be.
        max_age_days: How many days may pass without one; longer where gaps are usual.
    """

    column: str
    max_age_days: int


@dataclass(frozen=True)
class Table:
    """One documented table.

    Attributes:
        name: Its name.
        description: What it holds; begins with its grain.
        section: The chapter of the documentation it stands in; ``marts`` for a mart.
        columns: The documented columns, in order.
        live_columns: Columns that only live databases have, and metrics read when present.
        freshness: How often it ought to get new rows; None where that is not known.
        no_people: Of a mart, why its rows and numbers are about nobody, where that is so.
    """

    name: str
    description: str
    section: str
    columns: tuple[Column, ...]
    live_columns: tuple[Column, ...] = ()
    freshness: Freshness | None = None
    no_people: str | None = None

    @property
    def every_column(self) -> tuple[Column, ...]:
        """The documented columns, and those that only live databases have."""
        return (*self.columns, *self.live_columns)

    def column(self, name: str) -> Column:
        """Return the documented column called ``name``.

        Raises:
            KeyError: There is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")

    @property
    def known_names(self) -> frozenset[str]:
        """The names of all its columns, documented and others under which databases hold them."""
        return frozenset(name for c in self.every_column for name in (c.name, *c.aliases))

    @property
    def primary_key(self) -> Column:
        """The column that identifies a row."""
        return next(column for column in self.columns if column.key == "primary")


@cache
def load_contract() -> dict[str, Table]:
    """Return the documented tables by name, in the order of the documentation.

    Raises:
        FileNotFoundError: The installation lacks the dbt project.
    """
    sources = [source for path in _list_sources() for source in _read_sources(path)]
    sources.sort(key=lambda source: int(source["config"]["meta"]["section_number"]))
    return {
        table["name"]: _table(table, source["config"]["meta"]["section"])
        for source in sources
        for table in source["tables"]
    }


@cache
def find_table(name: str) -> Table | None:
    """Return the documented table called ``name``, if there is one; no other's file is parsed.

    Raises:
        FileNotFoundError: The installation lacks the dbt project.
    """
    for path in _list_sources():
        if f"- name: {name}\n" in path.read_text(encoding="utf-8"):
            for source in _read_sources(path):
                for table in source["tables"]:
                    if table["name"] == name:
                        return _table(table, source["config"]["meta"]["section"])
    return None


def _list_sources() -> Iterable[Path]:
    return (resource_dir("dbt_project") / "models" / "staging" / "app").glob("_*__sources.yml")


def _read_sources(path: Path) -> list[dict[str, Any]]:
    sources: list[dict[str, Any]] = yaml.load(path.read_bytes(), yaml.CSafeLoader)["sources"]
    return sources


def apply_owner(
    contract: Mapping[str, Table],
    values: Mapping[str, Mapping[str, Mapping[str, str]]],
    units: Mapping[str, Mapping[str, str]],
) -> dict[str, Table]:
    """Return ``contract`` with what its owner says of the values in the source.

    Args:
        contract: The documented tables by name.
        values: By table and column, what is read as a documented value.
        units: By table and column, the unit of the amounts.
    """

    def apply(table: str, column: Column) -> Column:
        return replace(
            column,
            live_values=(*column.live_values, *values.get(table, {}).get(column.name, ())),
            unit=units.get(table, {}).get(column.name, ""),
        )

    return {
        name: replace(table, columns=tuple(apply(name, column) for column in table.columns))
        if name in values or name in units
        else table
        for name, table in contract.items()
    }


@cache
def find_marts() -> dict[str, Path]:
    """Return, by the name of a mart, the file that holds its contract.

    Raises:
        FileNotFoundError: The installation lacks the dbt project.
    """
    folder = resource_dir("dbt_project") / "models" / "marts"
    return {path.stem: path for path in sorted(folder.glob("**/*.yml"))}


@cache
def load_mart(name: str) -> Table:
    """Return the columns, and dbt's types of them, that a mart promises.

    Raises:
        KeyError: There is no mart of this name.
    """
    document = yaml.load(find_marts()[name].read_bytes(), yaml.CSafeLoader)
    return _table(document["models"][0], "marts")


def _table(node: dict[str, Any], section: str) -> Table:
    meta = node.get("config", {}).get("meta", {})
    return Table(
        name=node["name"],
        description=node["description"],
        section=section,
        columns=tuple(map(_column, node["columns"])),
        live_columns=tuple(map(_column, meta.get("live_columns", []))),
        freshness=Freshness(**meta["freshness"]) if "freshness" in meta else None,
        no_people=meta.get("no_people"),
    )


def _column(node: dict[str, Any]) -> Column:
    meta = node.get("config", {}).get("meta", {})
    return Column(
        name=node["name"],
        data_type=node["data_type"],
        description=node["description"],
        key=meta.get("key"),
        references=meta.get("references"),
        default=meta.get("default"),
        values=tuple(meta.get("values", ())),
        live_values=tuple(meta.get("live_values", ())),
        aliases=tuple(meta.get("aliases", ())),
        is_pii=meta.get("pii", False),
        is_secret=meta.get("secret", False),
        is_required=meta.get("required", False),
        instead=meta.get("instead"),
        live_types=tuple(meta.get("live_types", ())),
        minimum=meta.get("min"),
        maximum=meta.get("max"),
        minimum_unless=meta.get("min_unless", {}),
        may_be_ahead=meta.get("may_be_ahead", False),
        json_shapes=tuple(meta.get("json", ("object", "array"))),
        is_money=meta.get("money", False),
    )
