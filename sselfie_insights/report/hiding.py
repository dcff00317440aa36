"""Leave out of one result what was decided to hide, and what would give that away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_

import polars as pl

from sselfie_insights.query.cells import HIDDEN, SUPPRESSED
from sselfie_insights.query.header import MEAN, NUMERIC_UNITS, Column
from sselfie_insights.query.result import Result
from sselfie_insights.statistics.suppression import SMALLEST_GROUP, Mark
from sselfie_insights.warehouse.closed import write_row_key

Decided = Mapping[str, Sequence[Mark]]
"""What becomes of each number of people of a result: by column, a mark for each row."""

_WORDS: dict[Mark, str] = {"": "", "small": SUPPRESSED, "hidden": HIDDEN, "carried": ""}
# Numbers that are worked out from those of people, where their column does not say from which.
_WORKED_OUT = frozenset({"rate", "days", "number"})
_BEFORE = "before."


def hide(result: Result, decided: Decided) -> Result:
    """Return ``result`` without what is hidden.

    A row whose size is hidden keeps only its key, names and flags; other numbers go where one that
    they are worked out from does, or where too few people are behind them.
    """
    if not decided:
        return result
    lost = _Lost(result, decided)
    columns = []
    for name, column in result.columns.items():
        if not _is_lost_with_its_row(result, name):
            continue
        is_lost = lost.find(name, column)
        if is_lost.any():
            columns.append(pl.when(pl.lit(~is_lost)).then(pl.col(name)).alias(name))
    shown = result.frame.with_columns(columns)
    words = {name: [_WORDS[mark] for mark in marks] for name, marks in decided.items()}
    restated = {
        (key, measure): text
        for row in (shown.iter_rows(named=True) if result.restated else ())
        for measure, value in row.items()
        if value is not None
        and (text := result.restated.get((key := write_row_key(result.key, row), measure)))
    }
    return replace(
        result,
        data=shown,
        marks=pl.DataFrame(words, schema=dict.fromkeys(words, pl.String)),
        restated=restated,
    )


def hide_rows(result: Result, is_hidden: Sequence[bool]) -> Result:
    """Return a suppressed ``result`` whose rows ``is_hidden`` keep only key, names and flags."""
    if not any(is_hidden) or result.marks is None:
        return result
    gone = pl.Series(is_hidden)
    lost = [name for name in result.columns if _is_lost_with_its_row(result, name)]
    data = result.frame.with_columns(pl.when(~gone).then(pl.col(name)).alias(name) for name in lost)
    marks = result.marks.with_columns(
        pl.when(gone & (pl.col(name) == ""))
        .then(pl.lit(HIDDEN))
        .otherwise(pl.col(name))
        .alias(name)
        for name in result.marks.columns
    )
    return replace(result, data=data, marks=marks)


class _Lost:
    """Which rows of each column are left out, a flag a row."""

    def __init__(self, result: Result, decided: Decided) -> None:
        self._result = result
        marks = {name: pl.Series(each, dtype=pl.String) for name, each in decided.items()}
        self._hidden = {name: each != "" for name, each in marks.items()}
        self._parts = [name for name in decided if name not in result.group_sizes]
        nothing = pl.repeat(False, result.height, eager=True)
        sizes = [name for name in result.group_sizes if name in decided]
        self._gone = _any([nothing, *(self._hidden[name] for name in sizes)])
        self._closed = _any([nothing, *(~marks[name].is_in(["", "hidden"]) for name in sizes)])
        self._before: pl.Series | None = None

    def find(self, name: str, column: Column) -> pl.Series:
        """Return the rows of a column that are hidden, or would give away what is."""
        if name in self._result.group_sizes:
            return self._hidden[name]
        is_of_row = column.unit == "cents" and _has_lone_money(self._result)
        found = [self._closed if is_of_row else self._gone]
        if name in self._hidden:
            found.append(self._hidden[name])
        sources = [*list_sources(column, self._parts)]
        if column.of:
            sources.append(column.of)
            few = self._result.frame[column.of].is_between(1, SMALLEST_GROUP - 1)
            found.append(few.fill_null(value=False))
        for source in sources:
            if source.removeprefix(_BEFORE) in self._hidden:
                found.append(self._at(source))
        return _any(found)

    def _at(self, source: str) -> pl.Series:
        """Return where a number of people is hidden, in its own row or in the one before."""
        hidden = self._hidden[source.removeprefix(_BEFORE)]
        if not source.startswith(_BEFORE):
            return hidden
        if self._before is None:
            self._before = pl.Series(order_rows(self._result), dtype=pl.UInt32)
        return hidden.gather(self._before).fill_null(value=False)


def _any(flags: Iterable[pl.Series]) -> pl.Series:
    return reduce(or_, flags)


def order_rows(result: Result) -> list[int | None]:
    """Return per row the one before it in time, of the same group or of the same other keys."""
    if result.group:
        time = [name for name in result.key if name not in result.group][:1]
        others = list(result.group)
    else:
        time = list(result.period_columns[:1])
        others = [name for name in result.key if name not in time]
    if not time:
        return [None] * result.height
    rows = result.frame.select(*time, *others).with_row_index("number")
    dated = rows.filter(pl.col(time[0]).is_not_null()).sort(time[0], maintain_order=True)
    last = pl.col("number").shift()
    placed = dated.select("number", before=last.over(others) if others else last)
    return rows.join(placed, on="number", how="left", maintain_order="left")["before"].to_list()


def list_sources(column: Column, parts: Iterable[str]) -> Iterable[str]:
    """The numbers of people from which one that is no such number is worked out."""
    if column.made_of is not None:
        return column.made_of
    return parts if column.unit in _WORKED_OUT else ()


def _is_lost_with_its_row(result: Result, name: str) -> bool:
    column = result.columns[name]
    return name not in result.key and (column.unit in NUMERIC_UNITS or column.of is not None)


def _has_lone_money(result: Result) -> bool:
    """Whether a row's money is in no sum with another's: those are of other currencies.

    Then that of a group which is hidden to protect another gives nothing away.
    """
    return (
        "currency" in result.key
        and MEAN not in result.columns
        and not any("currency" in whole for whole in result.part_of)
    )
