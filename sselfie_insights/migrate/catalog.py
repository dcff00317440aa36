"""The catalog of a database as comparable text: every object, its definition, one fingerprint."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Literal, NamedTuple

from sselfie_insights.postgres import Connection

_QUERY = Path(__file__).with_name("catalog.sql").read_text(encoding="utf-8")


class Identity(NamedTuple):
    """What a database object is called: its kind, and its name with schema (and table)."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Definition(NamedTuple):
    """What a database object is, and the relation it belongs to, if any."""

    text: str
    relation: str | None


Catalog = dict[Identity, Definition]


@dataclass(frozen=True)
class Difference:
    """One object in which catalogs differ.

    Attributes:
        identity: The object.
        relation: The relation it belongs to, if any.
        texts: Its definition in each of the catalogs; None where it is not.
    """

    identity: Identity
    relation: str | None
    texts: tuple[str | None, ...]

    @property
    def change(self) -> Literal["missing", "extra", "changed"]:
        """What became of it between the first catalog and the last."""
        if self.texts[-1] is None:
            return "missing"
        return "extra" if self.texts[0] is None else "changed"

    def __str__(self) -> str:
        if self.change != "changed":
            return f"{self.identity}: {self.change}"
        texts = (shorten(text or "", 120, placeholder="…") for text in self.texts)
        return f"{self.identity}: {' → '.join(texts)}"


def read_catalog(connection: Connection, schemas: Iterable[str]) -> Catalog:
    """Return every object of ``schemas`` in a stable order, as PostgreSQL writes it."""
    # With an empty search path PostgreSQL qualifies every name that it prints.
    with connection.transaction():
        old = connection.execute("select current_setting('search_path')").fetchone()
        connection.execute("select set_config('search_path', '', true)")
        rows = connection.execute(_QUERY, {"schemas": list(schemas)}).fetchall()
        connection.execute("select set_config('search_path', %s, true)", old)
    return {Identity(kind, name): Definition(text, relation) for kind, name, relation, text in rows}


def fingerprint(catalog: Catalog) -> str:
    """Return a hex digest that is equal for equal catalogs."""
    digest = hashlib.sha256()
    for identity, definition in sorted(catalog.items()):
        digest.update("\0".join((*identity, definition.text)).encode() + b"\1")
    return digest.hexdigest()


def compare(*catalogs: Catalog) -> list[Difference]:
    """Return the objects in which catalogs differ, in a stable order.

    What belongs to a table that one of them lacks altogether is not listed apart.
    """
    differences = []
    for identity in sorted(set().union(*catalogs)):
        found = [catalog.get(identity) for catalog in catalogs]
        texts = tuple(definition and definition.text for definition in found)
        if len(set(texts)) > 1:
            relation = next(definition.relation for definition in found if definition)
            differences.append(Difference(identity, relation, texts))
    lacking = {
        difference.identity.name
        for difference in differences
        if difference.identity.kind == "table" and None in difference.texts
    }
    return [
        difference
        for difference in differences
        if difference.identity.kind == "table" or difference.relation not in lacking
    ]
