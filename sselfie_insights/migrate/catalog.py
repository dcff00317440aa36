"""The catalog of a database as comparable text: every object, its definition, one fingerprint."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psycopg

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
    """One object in which two catalogs differ.

    Attributes:
        identity: The object.
        change: ``missing`` or ``extra`` in the second catalog, or ``changed``.
        relation: The relation it belongs to, if any.
        before: Its definition in the first catalog.
        after: Its definition in the second.
    """

    identity: Identity
    change: Literal["missing", "extra", "changed"]
    relation: str | None
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.change == "changed":
            return f"{self.identity}: {_shorten(self.before)} → {_shorten(self.after)}"
        return f"{self.identity}: {self.change}"


def read_catalog(
    connection: psycopg.Connection[tuple[Any, ...]], schemas: Iterable[str]
) -> Catalog:
    """Return every object of ``schemas`` in a stable order, as PostgreSQL writes it."""
    # With an empty search path PostgreSQL qualifies every name that it prints.
    with connection.transaction():
        old = connection.execute("select current_setting('search_path')").fetchone()
        connection.execute("select set_config('search_path', '', true)")
        rows = connection.execute(_QUERY, {"schemas": list(schemas)}).fetchall()
        connection.execute("select set_config('search_path', %s, true)", old)
    return {Identity(kind, name): Definition(text, relation) for kind, name, relation, text in rows}


def fingerprint(catalog: Mapping[Identity, Definition]) -> str:
    """Return a hex digest that is equal for equal catalogs."""
    digest = hashlib.sha256()
    for identity, definition in sorted(catalog.items()):
        digest.update("\0".join((*identity, definition.text)).encode() + b"\1")
    return digest.hexdigest()


def compare(
    before: Mapping[Identity, Definition], after: Mapping[Identity, Definition]
) -> list[Difference]:
    """Return the objects in which two catalogs differ, in a stable order.

    What belongs to a table that is wholly missing or extra is not listed apart.
    """
    differences = []
    for identity in sorted(before.keys() | after.keys()):
        old, new = before.get(identity), after.get(identity)
        if old is not None and new is not None and old.text == new.text:
            continue
        known = old or new
        differences.append(
            Difference(
                identity=identity,
                change="extra" if old is None else "missing" if new is None else "changed",
                relation=known.relation if known else None,
                before=old.text if old else None,
                after=new.text if new else None,
            )
        )
    whole = {
        difference.identity.name
        for difference in differences
        if difference.identity.kind == "table" and difference.change != "changed"
    }
    return [
        difference
        for difference in differences
        if difference.identity.kind == "table" or difference.relation not in whole
    ]


def _shorten(definition: str | None) -> str:
    text = " ".join((definition or "").split())
    return text if len(text) <= 120 else text[:117] + "…"
