"""The query library as a semantic layer for other tools: every number with its definition."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter

from sselfie_insights import __version__
from sselfie_insights.definitions import DEFINITIONS
from sselfie_insights.query.header import Column, Parameter, Refusal
from sselfie_insights.query.library import Query
from sselfie_insights.query.lineage import read_tables


class Entry(BaseModel):
    """A query, without its SQL.

    Attributes:
        name: What `sselfie query run` calls it.
        title: A few words for a heading.
        definition: What the numbers mean, in full.
        grain: "One row per …".
        key: The columns that identify a row.
        people: The columns that count the distinct people behind a row.
        no_people: Why the numbers are about nobody, where that is so.
        analysts_only: Why pages, exports and assistants are not given it, where that is so.
        parameters: What it can be asked for, by name.
        refuse: Combinations of parameters that mean nothing, and why.
        columns: Unit and meaning of each column, in the order of the result. Money is in whole
            minor units such as cents, a rate lies between 0 and 1, an instant is in UTC.
        rows: The queries that list the rows behind its numbers.
        explains: The number whose change from month to month its rows add up to, if any.
        reads: The tables it reads; dbt's documentation describes them.
    """

    name: str
    title: str
    definition: str
    grain: str
    key: tuple[str, ...]
    people: tuple[str, ...]
    no_people: str | None
    analysts_only: str | None
    parameters: dict[str, Parameter]
    refuse: tuple[Refusal, ...]
    columns: dict[str, Column]
    rows: tuple[str, ...]
    explains: str | None
    reads: tuple[str, ...]


class Catalog(BaseModel):
    """Every query of the library.

    Attributes:
        version: The version of sselfie-insights.
        definitions: The version of the definitions; numbers of two versions are not comparable.
        queries: The queries, by name.
    """

    version: str
    definitions: int
    queries: tuple[Entry, ...]


def describe_entry(query: Query) -> Entry:
    """Return what there is to know of ``query``, but its SQL."""
    return Entry(
        name=query.name,
        title=query.title,
        definition=query.description,
        grain=query.grain,
        key=query.key,
        people=query.people,
        no_people=query.no_people,
        analysts_only=query.analysts_only,
        parameters=query.parameters,
        refuse=query.refuse,
        columns=query.columns,
        rows=query.rows,
        explains=query.explains.title if query.explains else None,
        reads=tuple(read_tables(query)),
    )


def describe_library(queries: Iterable[Query]) -> Catalog:
    """Return the catalog of ``queries``."""
    return Catalog(
        version=__version__,
        definitions=DEFINITIONS,
        queries=tuple(map(describe_entry, queries)),
    )


def catalog_schema() -> dict[str, Any]:
    """Return the JSON Schema of a catalog as JSON."""
    return TypeAdapter(Catalog).json_schema(mode="serialization")
