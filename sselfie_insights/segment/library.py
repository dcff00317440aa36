"""Segments are the queries of ``queries/segments/``; whoever adds a file there adds a segment."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.query.library import Query, list_names, load_query
from sselfie_insights.query.result import Result
from sselfie_insights.query.run import run_query
from sselfie_insights.segment.record import PastExport, last_contacts
from sselfie_insights.warehouse.reading import OpenWarehouse

FOLDER = "segments/"


def list_segments() -> list[str]:
    """Return the short names of every segment, sorted, without reading the files."""
    return [name.removeprefix(FOLDER) for name in list_names() if name.startswith(FOLDER)]


def find_segment(name: str) -> Query:
    """Return the segment called ``name``, and read no other's file.

    Raises:
        UsageError: There is none, and the message offers the nearest name; or its file is wrong,
            or does not have the columns of a segment.
    """
    short, known = name.removeprefix(FOLDER), list_segments()
    if short not in known:
        raise UsageError(
            f"unknown segment {name!r}{nearest(short, known)}", remedy="see 'sselfie segment list'"
        )
    query = load_query(FOLDER + short)
    if query.interface != "segment":
        raise UsageError(
            f"{query.path} does not have the columns of a segment",
            remedy="write 'interface: segment' into its header",
        )
    if not query.columns["email"].pii:
        raise UsageError(f"{query.path}: columns.email: say pii: true")
    return query


def read_segment(
    warehouse: OpenWarehouse,
    query: Query,
    given: Mapping[str, str] | None = None,
    *,
    record: list[PastExport],
    with_personal_data: bool = False,
) -> Result:
    """Run a segment; an earlier export cools a person down as an e-mail does.

    Raises:
        UsageError: A value is wrong, or a mart is missing.
    """
    result = run_query(warehouse, query, given, with_personal_data=with_personal_data)
    today = warehouse.stamp.as_of_on
    contacts = last_contacts(record, query.name.removeprefix(FOLDER), today)
    if not contacts or result.frame.is_empty():
        return result
    values: Mapping[str, Any] = result.values
    days = timedelta(days=values["cooldown_days"])
    until = [contacts.get(key) for key in result.frame["customer_key"]]
    frame = result.frame.with_columns(
        pl.max_horizontal(
            "cooldown_until_on",
            pl.Series("_", [None if day is None else day + days for day in until], pl.Date),
        ).alias("cooldown_until_on")
    ).with_columns((pl.col("cooldown_until_on") > today).fill_null(value=False).alias("is_cooling"))
    return replace(result, data=frame)
