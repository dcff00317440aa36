"""What the site shows of its numbers of people: decided once, and kept in the publication.

A page made alone then hides what the site hides, and need not ask for all that the site shows.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256

import duckdb
import polars as pl

from sselfie_insights.query.result import Result
from sselfie_insights.report.hiding import Decided
from sselfie_insights.warehouse.frames import write_table


def write_decisions(
    connection: duckdb.DuckDBPyConnection, decided: Iterable[tuple[Result, Decided]]
) -> None:
    """Replace what the publication keeps: results, and what becomes of their numbers of people."""
    rows = [(each.name, digest(each), json.dumps(marks)) for each, marks in decided]
    frame = pl.DataFrame(rows, dict.fromkeys(("query", "digest", "marks"), pl.String), orient="row")
    connection.execute("create schema if not exists meta")
    write_table(connection, "meta.suppression", frame.unique("digest", maintain_order=True))


def read_decisions(connection: duckdb.DuckDBPyConnection) -> Mapping[str, str]:
    """Return by ``digest`` what was decided, as JSON; nothing where a build kept nothing."""
    try:
        return dict(connection.execute("select digest, marks from meta.suppression").fetchall())
    except duckdb.CatalogException:
        return {}


def digest(result: Result) -> str:
    """Return a checksum of all that a decision rests on: numbers, and what is said of them."""
    said = (result.name, result.values, result.columns, result.key, result.group_sizes)
    tied = (result.part_of, result.group, result.identities)
    return sha256(f"{said}{tied}{result.frame.write_csv()}".encode()).hexdigest()
