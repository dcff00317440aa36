"""The rows of a block as text, a running period marked with ``*``."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from sselfie_insights.query.cells import write_rows
from sselfie_insights.query.header import MEAN, NUMERIC_UNITS
from sselfie_insights.query.result import Result
from sselfie_insights.query.table import TextTable
from sselfie_insights.query.view import find_answer, find_keys
from sselfie_insights.report.names import write_name

RUNNING_MARK = "*"


def build_table(
    result: Result,
    columns: Mapping[str, str],
    *,
    own: Mapping[str, str],
    newest_first: bool = False,
) -> tuple[TextTable, tuple[bool, ...]]:
    """Return the ``columns`` (name to heading) of ``result``, and which rows are still running.

    Args:
        result: The rows.
        columns: What to show.
        own: The owner's names of products.
        newest_first: Whether the latest period comes first.
    """
    names = [name for name in columns if name != "is_complete" and not _is_silent(name, result)]
    rows = write_rows(result, names, in_words=True)
    for place, name in enumerate(names):
        if result.columns[name].unit == "text":
            for row in rows:
                row[place] = write_name(name, row[place], own)
    if result.suppressed and not set(result.group_sizes) & set(names):
        for row, mark in zip(rows, result.suppressed, strict=True):
            if mark:
                row[0] += f" ({mark})"
    has_state = "is_complete" in result.columns
    running = [
        has_state and complete is False
        for complete in (result.frame["is_complete"].to_list() if has_state else [None] * len(rows))
    ]
    for row, is_running in zip(rows, running, strict=True):
        if is_running and row:
            row[0] += RUNNING_MARK
    if newest_first:
        order = _newest_first(result)
        rows, running = [rows[index] for index in order], [running[index] for index in order]
    table = TextTable(
        headers=[columns[name] for name in names],
        rows=rows,
        numeric=[result.columns[name].unit in NUMERIC_UNITS for name in names],
        keys=find_keys(result, names),
        answer=find_answer(result, names),
    )
    return table, tuple(running)


def describe_columns(result: Result, columns: Mapping[str, str]) -> str:
    """Return in words which of ``columns``, name to heading, are not known, and why."""
    return " ".join(
        f"{columns[name]}: {reason}." for name, reason in result.unknown.items() if name in columns
    )


def _is_silent(name: str, result: Result) -> bool:
    """Whether a column of words, such as notes, has none in any row, though it is known."""
    is_words = result.columns[name].unit == "text" and name not in {*result.key, *result.unknown}
    return is_words and result.frame.height > 0 and result.frame[name].fill_null("").eq("").all()


def rank_values(result: Result, column: str) -> list[Any]:
    """Return the values of ``column``, the one with the largest sum of the first measure first.

    Currencies go by the first amount, where there is one.
    """
    measures = [
        name
        for name, described in result.columns.items()
        if name not in result.key and described.unit in NUMERIC_UNITS
    ]
    amounts = [name for name in measures if result.columns[name].unit == "cents"]
    measure = (amounts if column == "currency" and amounts else measures)[0]
    frame = result.frame.filter(~pl.col(MEAN)) if MEAN in result.columns else result.frame
    sums = frame.group_by(column, maintain_order=True).agg(pl.col(measure).sum())
    return sums.sort(measure, descending=True, maintain_order=True)[column].to_list()


def _newest_first(result: Result) -> list[int]:
    """The positions of the rows, the latest period first, otherwise in their order."""
    time = result.period_columns[0]
    days = result.frame[time].cast(pl.String).fill_null("").to_list()
    return sorted(range(len(days)), key=days.__getitem__, reverse=True)
