"""The contract: the documented tables and columns, read from the dbt source files.

These files are the one place that says what the application's database holds. Redaction, the
conforming macro, the expectations and the migrations' test all read them.
"""

from dataclasses import dataclass
from functools import cache
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
        is_pii: Whether it tells who someone is, or what someone wrote.
        is_secret: Whether it is a credential, which never leaves Postgres.
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


@dataclass(frozen=True)
class Table:
    """One documented table.

    Attributes:
        name: Its name.
        description: What it holds; begins with its grain.
        section: The chapter of the documentation it stands in.
        columns: The documented columns, in order.
        live_columns: Columns that only live databases have, and metrics read when present.
    """

    name: str
    description: str
    section: str
    columns: tuple[Column, ...]
    live_columns: tuple[Column, ...] = ()

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
    def primary_key(self) -> Column:
        """The column that identifies a row."""
        return next(column for column in self.columns if column.key == "primary")


@cache
def load_contract() -> dict[str, Table]:
    """Return the documented tables by name, in the order of the documentation.

    Raises:
        FileNotFoundError: The installation lacks the dbt project.
    """
    folder = resource_dir("dbt_project") / "models" / "staging" / "app"
    sources = [
        source
        for path in folder.glob("_*__sources.yml")
        for source in yaml.load(path.read_bytes(), yaml.CSafeLoader)["sources"]
    ]
    sources.sort(key=lambda source: int(source["config"]["meta"]["section_number"]))
    return {
        table["name"]: _table(table, source["config"]["meta"]["section"])
        for source in sources
        for table in source["tables"]
    }


def _table(node: dict[str, Any], section: str) -> Table:
    meta = node.get("config", {}).get("meta", {})
    return Table(
        name=node["name"],
        description=node["description"],
        section=section,
        columns=tuple(map(_column, node["columns"])),
        live_columns=tuple(map(_column, meta.get("live_columns", []))),
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
    )
