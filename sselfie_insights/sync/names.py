"""What the source calls otherwise than its document: said by its owner, or spelled alike."""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sselfie_insights.contract import Table, load_contract
from sselfie_insights.setting_names import Tables
from sselfie_insights.settings import Settings
from sselfie_insights.sync.catalog import Catalog, SourceTable


@dataclass(frozen=True)
class Names:
    """Names of the first schema that are not the documented ones.

    Attributes:
        tables: By the documented name of a table, its name in the source.
        columns: By the documented names of a table and a column, the column's in the source.
    """

    tables: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]

    def documented(self, table: str) -> str:
        """Return the documented name of a table of the source, else its own."""
        return next((name for name, source in self.tables.items() if source == table), table)


DOCUMENTED = Names({}, {})
"""Those of a source that calls everything as its document does."""


def find_names(catalog: Catalog, settings: Settings) -> Names:
    """Return what is called otherwise, by the settings, else by names that are spelled alike.

    ``createdAt`` is ``created_at``, and a table ``User`` is ``users``, unless the source has the
    documented name, or two that would do.
    """
    schema = settings.source_schemas[0]
    present = {table.name: table for table in catalog.values() if table.schema == schema}
    contract = load_contract()
    said = {name: source for name, source in settings.tables.renamed.items() if source in present}
    free = [name for name in present if name not in contract and name not in said.values()]
    alike = {
        name: like
        for name in contract
        if name not in present and name not in said and (like := _only_alike(name, free, stem))
    }
    tables = {**said, **alike}
    columns = {}
    for name, table in contract.items():
        found = present.get(tables.get(name, name))
        if found is not None:
            renamed = name_columns(found, table, settings.columns.get(name, {}))
            if renamed:
                columns[name] = renamed
    return Names(tables, columns)


def find_documented(name: str, tables: Tables) -> str:
    """Return the documented name of a table of the source, or of which its own is a spelling.

    It is empty where there is none.
    """
    renamed = (known for known, source in tables.renamed.items() if source == name)
    alike = (known for known in load_contract() if stem(known) == stem(name))
    return next(itertools.chain(renamed, alike), "")


def name_columns(found: SourceTable, table: Table, said: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of ``found`` that have other names than in ``table``, by the latter.

    Args:
        found: The table in the source.
        table: Its document.
        said: What the settings say of it.
    """
    present = [column.name for column in found.columns]
    free = [n for n in present if n not in table.known_names and n not in said.values()]
    renamed = dict(said)
    for column in table.every_column:
        names = (column.name, *column.aliases)
        if column.name in said or not free or any(name in present for name in names):
            continue
        likely = (_only_alike(name, free, spell) for name in names)
        if name := next(filter(None, likely), ""):
            renamed[column.name] = name
            free.remove(name)
    return renamed


def spell(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def stem(name: str) -> str:
    """Return what ``spell`` does, without the s of a plural."""
    return spell(name).removesuffix("s")


def _only_alike(name: str, names: Iterable[str], spelled: Callable[[str], str]) -> str:
    """Return the only one of ``names`` that is spelled like ``name``, empty where none is."""
    found = [each for each in names if spelled(each) == spelled(name)]
    return found[0] if len(found) == 1 else ""
