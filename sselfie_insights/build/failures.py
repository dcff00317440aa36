"""Models that fail: whether headline numbers rest on them, and what is left where none does."""

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from sselfie_insights.build.dbt import FAILED, NodeResult
from sselfie_insights.errors import SselfieError, name_some
from sselfie_insights.query.library import find_query, load_library
from sselfie_insights.query.lineage import Model, read_tables, trace
from sselfie_insights.report.definition import HeadlineSection, load_report
from sselfie_insights.resources import resource_dir
from sselfie_insights.sql import quote
from sselfie_insights.warehouse.gaps import Gap
from sselfie_insights.warehouse.storage import explain_storage

_KEPT = "snapshots"
"""The schema of what no build can make again: a failure leaves it as it was."""


_STAMP = "marts.build_info"


def headline_tables() -> list[str]:
    """Return the tables of the packaged overview's headline numbers, and of every page's stamp."""
    library = load_library([resource_dir("queries")])
    report = load_report("overview", [resource_dir("reports")])
    sections = (each for each in report.sections if isinstance(each, HeadlineSection))
    queries = [find_query(item.query, library) for section in sections for item in section.items]
    return sorted({_STAMP, *(table for query in queries for table in read_tables(query))})


def find_vital(models: Mapping[str, Model]) -> set[str]:
    """Return every table that headline numbers are made from, directly or not."""
    return {name for layer in trace(headline_tables(), models).values() for name in layer}


def require_headlines(results: Sequence[NodeResult], models: Mapping[str, Model]) -> list[Gap]:
    """Return the tables that dbt could not make, unless headline numbers rest on one of them.

    Args:
        results: What became of dbt's nodes.
        models: What dbt knows of its tables.

    Raises:
        StorageError: The disk is full or the warehouse damaged.
        SselfieError: Without one of them a headline number would be missing or wrong.
    """
    names = {name.partition(".")[2]: name for name in models}
    made = [result for result in results if not result.is_test]
    failed = [result for result in made if result.status in FAILED]
    for result in failed:
        if failure := explain_storage(result.message):
            raise failure
    needed = find_vital(models)
    vital = [each for each in failed if names.get(each.name, f"marts.{each.name}") in needed]
    if vital:
        reason = " ".join(vital[0].message.split())
        raise SselfieError(
            f"{len(failed)} of the models failed, first {vital[0].name}: {reason}",
            remedy="nothing was published, since headline numbers rest on it",
        )
    first = name_some(each.name for each in failed)
    return [
        Gap(names[each.name], "its model failed on this data", " ".join(each.message.split()))
        if each in failed
        else Gap(names[each.name], f"it is made from {first}", "its model was skipped")
        for each in made
        if each in failed or each.status == "skipped"
    ]


def drop_unmade(connection: duckdb.DuckDBPyConnection, gaps: Iterable[Gap]) -> None:
    """Remove what an earlier build left of tables that this one could not make."""
    for gap in gaps:
        schema, _, name = gap.what.partition(".")
        if schema == _KEPT:
            continue
        for (kind,) in connection.execute(
            "select if(table_type = 'VIEW', 'view', 'table') from information_schema.tables"
            " where table_schema = ? and table_name = ?",
            [schema, name],
        ).fetchall():
            connection.execute(f"drop {kind} {quote(schema)}.{quote(name)}")
