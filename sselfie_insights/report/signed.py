"""Figures of closed months on pages: as they were signed, with what has restated them since."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import duckdb

from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.library import Query
from sselfie_insights.query.result import Result
from sselfie_insights.report.headline import write_difference
from sselfie_insights.warehouse import closed

_MOST_NOTES = 6
"""Restated figures that the words of one section name."""


class SignedFigures:
    """The figures that are not what was signed any more, of months that are closed and intact."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read them from the open warehouse."""
        self._found: dict[str, dict[str, dict[str, closed.Restatement]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        for closing in closed.current(closed.read_closings(connection)).values():
            if not closed.is_intact(connection, closing):
                continue
            restated = closed.read_restatements(connection, closing)
            for (query, row_key, measure), each in restated.items():
                if each.signed.value != each.now:
                    self._found[query][row_key][measure] = each

    def put_into(self, result: Result, query: Query) -> Result:
        """Return ``result`` with what was signed in the place of what was restated.

        A result with other parameters than ``query`` has by default, dates aside, is another
        number and stays.
        """
        by_row = self._found.get(query.name)
        if not by_row or not _is_default(result, query):
            return result
        rows: list[tuple[Any, ...]] = []
        restated: dict[tuple[str, str], str] = {}
        for row in result.frame.iter_rows(named=True):
            row_key = closed.write_row_key(result.key, row)
            signed: dict[str, Any] = {}
            for measure, each in by_row.get(row_key, {}).items():
                if measure in row:
                    signed[measure] = each.signed.value
                    unit = result.columns[measure].unit
                    restated[row_key, measure] = _describe(each, unit, row.get("currency"))
            rows.append(tuple((row | signed).values()))
        return replace(result, data=rows, restated=restated)


def describe_restated(result: Result, columns: Mapping[str, str]) -> str:
    """Return in words what was restated of the rows shown and of ``columns``, name to heading."""
    if not result.restated:
        return ""
    sentences = []
    marks = result.suppressed or ("",) * result.height
    for row, mark in zip(result.frame.iter_rows(named=True), marks, strict=True):
        row_key = closed.write_row_key(result.key, row)
        for name, heading in columns.items():
            words = result.restated.get((row_key, name))
            if words and not mark:
                place = ", ".join(
                    write_cell(row[key], result.columns[key].unit, in_words=True)
                    for key in result.key
                    if row[key] is not None
                )
                sentences.append(f"{place}: {heading} {words}.")
    if len(sentences) > _MOST_NOTES:
        more = len(sentences) - _MOST_NOTES
        sentences[_MOST_NOTES:] = [f"{more} more are in the query revenue/closed_figures."]
    return " ".join(sentences)


def describe_tampered(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return a sentence about each closed month whose figures are not those that were signed."""
    return [
        f"The figures of {month:%Y-%m} are not those that {closing.closed_by} signed: their"
        " checksum differs."
        for month, closing in closed.current(closed.read_closings(connection)).items()
        if not closed.is_intact(connection, closing)
    ]


def _is_default(result: Result, query: Query) -> bool:
    return all(
        value == query.parameters[name].default
        for name, value in result.values.items()
        if query.parameters[name].type != "date"
    )


def _describe(each: closed.Restatement, unit: Any, currency: str | None) -> str:
    causes = ", ".join(each.causes)
    if each.signed.value is None or each.now is None:
        return f"as signed; restated since, because {causes}"
    difference = write_difference(each.now - each.signed.value, unit, currency)
    return f"as signed; restated since: {difference}, because {causes}"
