"""What to show of a result: which columns and rows, in which order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.query.header import NUMERIC_UNITS
from sselfie_insights.query.result import Result


@dataclass(frozen=True)
class View:
    """What to show of a result; everything by default.

    Attributes:
        columns: The columns, in their order; all without. ``_cents`` may be left out of a name.
        sort: Columns to sort by, the first of them first; ``-`` before one turns its order.
        limit: The most rows, from the first on; None and 0 mean all.
    """

    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    limit: int | None = None

    def choose_columns(self, result: Result) -> list[str]:
        """Return the names of the columns to show.

        Raises:
            UsageError: There is none of a name.
        """
        return [_find(name, result) for name in self.columns] or list(result.columns)


def arrange_rows(result: Result, view: View) -> Result:
    """Return ``result`` with the rows that ``view`` asks for, in its order, and every column.

    What is missing comes last in either order.

    Raises:
        UsageError: There is no column of a name.
    """
    order: Sequence[int] = range(result.height)
    for word in reversed(view.sort):
        place = list(result.columns).index(_find(word.removeprefix("-"), result))
        keys = [_sort_key(row[place]) for row in result.rows]
        known = [index for index in order if keys[index] is not None]
        known.sort(key=keys.__getitem__, reverse=word.startswith("-"))
        order = [*known, *(index for index in order if keys[index] is None)]
    if view.limit:
        order = order[: view.limit]
    if order == range(result.height):
        return result
    marks = None if result.marks is None else result.marks[list(order)]
    if isinstance(result.data, list):
        return replace(result, data=[result.data[index] for index in order], marks=marks)
    return replace(result, data=result.data[list(order)], marks=marks)


def keep_columns(result: Result, names: list[str]) -> Result:
    """Return ``result`` with the columns ``names`` alone, in that order."""
    if names == list(result.columns):
        return result
    places = [list(result.columns).index(name) for name in names]
    marks = result.marks
    if isinstance(result.data, list):
        rows = [tuple(row[place] for place in places) for row in result.data]
        kept = replace(result, data=rows)
    else:
        kept = replace(result, data=result.data.select(names))
    return replace(
        kept,
        columns={name: result.columns[name] for name in names},
        key=tuple(name for name in result.key if name in names),
        group_sizes=tuple(name for name in result.group_sizes if name in names),
        marks=None if marks is None else marks.select([n for n in marks.columns if n in names]),
    )


def find_keys(result: Result, names: Sequence[str]) -> tuple[int, ...]:
    """Return the places among ``names`` of the columns that identify a row, else the first."""
    return tuple(place for place, name in enumerate(names) if name in result.key) or (0,)


def find_answer(result: Result, names: Sequence[str]) -> int:
    """Return the place among ``names`` of the column that ``result`` is asked for.

    Where its query does not say, that is the last share of people, else the last number that is no
    end of an interval, else the last column.
    """
    if result.answer in names:
        return names.index(result.answer)
    ends = {end for column in result.columns.values() for end in column.interval or ()}
    shares = [place for place, name in enumerate(names) if result.columns[name].interval]
    numbers = [
        place
        for place, name in enumerate(names)
        if result.columns[name].unit in NUMERIC_UNITS and name not in {*ends, *result.key}
    ]
    return (shares or numbers or [len(names) - 1])[-1]


def _find(name: str, result: Result) -> str:
    heads = {column.head(known): known for known, column in result.columns.items()}
    if name in result.columns or name in heads:
        return name if name in result.columns else heads[name]
    raise UsageError(
        f"there is no column {name!r}{nearest(name, [*result.columns, *heads])}",
        remedy=f"columns: {', '.join(result.columns)}",
    )


def _sort_key(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold(), value
    return None if value != value else value  # NaN
