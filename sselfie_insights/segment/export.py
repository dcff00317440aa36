"""Export a segment once a day: who is to be written to, without those cooling down or held out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import duckdb
import polars as pl

from sselfie_insights.errors import UsageError
from sselfie_insights.query.library import Query
from sselfie_insights.query.parameters import check_values
from sselfie_insights.query.result import Result
from sselfie_insights.segment.effect import WINDOWS
from sselfie_insights.segment.holdout import is_held_out
from sselfie_insights.segment.library import FOLDER, read_segment
from sselfie_insights.segment.record import (
    PastExport,
    append_export,
    read_record,
    record_lock,
)
from sselfie_insights.warehouse.reading import OpenWarehouse


@dataclass(frozen=True)
class SegmentExport:
    """What an export gave.

    Attributes:
        result: Who is to be written to.
        is_repeat: Whether it was made before for this day, and is given again.
        held_out_count: People held out of it.
        cooling_count: People left out because they were written to lately; 0 for a repeat.
        smallest_difference: Between the shares that reach the goal, what groups of these sizes show
            in 80 of 100 such exports, at the least favourable share; None where they show nothing.
    """

    result: Result
    is_repeat: bool
    held_out_count: int
    cooling_count: int
    smallest_difference: float | None


def export_segment(
    warehouse: OpenWarehouse,
    query: Query,
    given: Mapping[str, str] | None = None,
    *,
    holdout_percent: int,
    with_personal_data: bool = False,
) -> SegmentExport:
    """Return who is to be written to, and remember it beside the warehouse.

    The day is that of the data. A second export of the day gives the first one again, row by row,
    whatever has changed since; only addresses, which are not remembered, are as they are now.

    Args:
        warehouse: What to read; the record lies beside its file.
        query: The segment.
        given: Parameters as text, by name.
        holdout_percent: The share to hold out, 0-100.
        with_personal_data: Whether to add the addresses.

    Raises:
        UsageError: A value is wrong, or the day's export was made with others.
        LockedError: Another export is running.
    """
    segment = query.name.removeprefix(FOLDER)
    parameters = {name: str(value) for name, value in check_values(query, given or {}).items()}
    stamp = warehouse.stamp
    with record_lock(warehouse.path):
        record = read_record(warehouse.path)
        result = read_segment(warehouse, query, given, record=record)
        past = next(
            (e for e in record if (e.segment, e.exported_on) == (segment, stamp.as_of_on)), None
        )
        cooling_count = 0
        is_repeat = past is not None
        if past is None:
            cooling_count = int(result.frame["is_cooling"].sum())
            percents = _measured_percents(record, stamp.as_of_on)
            rows = [
                _to_text(row) | _draw(row["customer_key"], holdout_percent, percents)
                for row in result.frame.filter(~pl.col("is_cooling")).to_dicts()
            ]
            past = PastExport(segment, stamp.as_of_on, parameters, holdout_percent, tuple(rows))
            append_export(warehouse.path, past)
        elif (past.parameters, past.holdout_percent) != (parameters, holdout_percent):
            before = ", ".join(f"{name}={value}" for name, value in past.parameters.items())
            raise UsageError(
                f"segment {segment} was exported for {stamp.as_of_on} with other parameters",
                remedy=f"give those again: {before}, {past.holdout_percent} % held out",
            )
    from sselfie_insights.statistics.experiments import smallest_difference

    sent = [row for row in past.rows if row["group"] == "sent"]
    exported = replace(result, data=_to_frame(sent, result.frame.schema))
    if with_personal_data:
        exported = _add_addresses(warehouse.connection, query, exported)
    return SegmentExport(
        result=exported,
        is_repeat=is_repeat,
        held_out_count=len(past.rows) - len(sent),
        cooling_count=cooling_count,
        smallest_difference=smallest_difference(len(sent), len(past.rows) - len(sent)),
    )


def _measured_percents(record: list[PastExport], on: date) -> dict[str, int]:
    """The largest share held out of any export that a person is still measured by."""
    percents: dict[str, int] = {}
    for export in record:
        if (on - export.exported_on).days <= max(WINDOWS):
            for row in export.rows:
                key = row["customer_key"]
                drawn = row.get("holdout_percent", export.holdout_percent)
                percents[key] = max(drawn, percents.get(key, 0))
    return percents


def _draw(customer_key: str, percent: int, percents: Mapping[str, int]) -> dict[str, Any]:
    """A person's group, and the share by which it was drawn: who is held out of one is of all."""
    share = max(percent, percents.get(customer_key, 0))
    group = "held_out" if is_held_out(customer_key, share) else "sent"
    return {"group": group, "holdout_percent": share}


def _to_text(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date | datetime) else value
        for name, value in row.items()
    }


def _to_frame(rows: list[Mapping[str, Any]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Rows of the record as a frame; a column that the segment has only now is empty."""
    columns = []
    for name, kind in schema.items():
        values = [row.get(name) for row in rows]
        if kind == pl.Date:
            values = [None if value is None else date.fromisoformat(value) for value in values]
        elif isinstance(kind, pl.Datetime):
            values = [None if value is None else datetime.fromisoformat(value) for value in values]
        columns.append(pl.Series(name, values, dtype=kind, strict=True))
    return pl.DataFrame(columns)


def _add_addresses(connection: duckdb.DuckDBPyConnection, query: Query, result: Result) -> Result:
    rows = connection.execute("select user_id, email from marts.dim_contacts").fetchall()
    address = dict(rows)
    emails = pl.Series("email", [address.get(u) for u in result.frame["user_id"]], pl.String)
    columns = {name: query.columns[name] for name in query.columns if name in result.columns}
    names = [name for name in query.columns if name in columns or name == "email"]
    return replace(
        result,
        data=result.frame.with_columns(emails).select(names),
        columns={name: query.columns[name] for name in names},
    )
