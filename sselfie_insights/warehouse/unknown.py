"""What the source does not let anybody know: which numbers, for lack of what, since when."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import duckdb

from sselfie_insights.errors import name_some
from sselfie_insights.sql import literal

NOT_KNOWN = "not known"
"""What stands for a number that is missing, and how the sentence begins that says why."""

WHOLE = ""
"""Stands in place of a column's name where no column of a query can be known."""


Kind = Literal["gone", "missing", "left out", "not mirrored"]
"""Whether the source has something no more, never had it, or has it and it is not read."""


@dataclass(frozen=True)
class Lack:
    """Something that numbers are made from, and that the mirror does not have.

    Attributes:
        thing: A table or a column, by its documented name: ``users`` or ``users.role``.
        kind: What kind of lack it is.
        since: The instant of the last sync that found what is gone, as text; else empty.
    """

    thing: str
    kind: Kind
    since: str = ""

    @property
    def cause(self) -> str:
        """The sentence that ends with the names of such things."""
        match self.kind:
            case "gone":
                return f"{NOT_KNOWN} since {self.since}: the source no longer has"
            case "missing":
                return f"{NOT_KNOWN}: the source lacks"
            case "left out":
                return f"{NOT_KNOWN}: your settings leave out"
            case _:
                return f"{NOT_KNOWN}: the mirror cannot read"


Unknown = dict[str, dict[str, list[Lack]]]
"""What is lacking, by a query's name and its columns, or ``WHOLE``."""


def write_lacks(lacks: Iterable[Lack]) -> str:
    """Return in words why something is not known."""
    things: dict[str, dict[str, None]] = {}
    for lack in lacks:
        things.setdefault(lack.cause, {})[lack.thing] = None
    return "; ".join(f"{cause} {name_some(names)}" for cause, names in things.items())


def merge_lacks(unknown: Iterable[Iterable[Lack]]) -> list[tuple[list[Lack], int]]:
    """Return what queries lack, by its cause, with the number of the queries.

    Args:
        unknown: What each of them lacks.
    """
    merged: dict[str, dict[Lack, None]] = {}
    counts: Counter[str] = Counter()
    for lacks in map(list, unknown):
        for lack in lacks:
            merged.setdefault(lack.cause, {})[lack] = None
        counts.update({lack.cause for lack in lacks})
    return [(list(merged[cause]), count) for cause, count in counts.most_common()]


def list_whole(unknown: Unknown) -> dict[str, list[Lack]]:
    """Return what the queries lack that cannot be answered at all."""
    return {query: of[WHOLE] for query, of in unknown.items() if WHOLE in of}


def write_unknown(
    connection: duckdb.DuckDBPyConnection, unknown: Mapping[str, Mapping[str, Iterable[Lack]]]
) -> None:
    """Write down what cannot be answered, in place of what an earlier build wrote.

    Args:
        connection: The private copy of a warehouse.
        unknown: What is lacking, by a query's name and its columns, or ``WHOLE``.
    """
    connection.execute(_TABLE)
    for query, of in unknown.items():
        for column, lacks in of.items():
            for lack in lacks:
                row = query, column, lack.thing, lack.kind, lack.since
                values = ", ".join(map(literal, row))
                connection.execute(f"insert into meta.unknown values ({values})")


def read_unknown(connection: duckdb.DuckDBPyConnection) -> Unknown:
    """Return what cannot be answered, and what is lacking for it."""
    try:
        rows = connection.execute(
            "select query_name, column_name, thing, kind, since from meta.unknown"
        ).fetchall()
    except duckdb.CatalogException:  # nothing was built yet, or by an earlier version
        return {}
    unknown: Unknown = {}
    for query, column, *lack in rows:
        unknown.setdefault(query, {}).setdefault(column, []).append(Lack(*lack))
    return unknown


_TABLE = """
create schema if not exists meta;
create or replace table meta.unknown (
    query_name varchar not null,
    column_name varchar not null,
    thing varchar not null,
    kind varchar not null,
    since varchar not null
);
"""
"""The packaged queries, or their columns, that this build cannot answer, and what they lack."""
