"""A 95 % interval, and what it rests on, beside every share of people."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from sselfie_insights.query.library import Column
from sselfie_insights.query.run import Result
from sselfie_insights.shares import score_interval

_ENDS = {"low": "Low", "high": "High"}


def share_interval(share: float, n: int) -> tuple[float, float]:
    """Return the ends of Wilson's 95 % interval of ``share`` of ``n``, from 0 to 1."""
    low, high = score_interval(share, float(n))
    return max(0.0, low), min(1.0, high)


def add_intervals(result: Result) -> Result:
    """Return ``result`` with two columns, ``…_low`` and ``…_high``, after each share of people.

    That is a rate whose header names, by ``of``, the people it is a share of. A share that is not
    told has no interval.
    """
    columns: dict[str, Column] = {}
    ends: list[pl.Series] = []
    for name, column in result.columns.items():
        columns[name] = column
        if not is_share(column):
            continue
        pairs = [
            share_interval(share, n) if n and share is not None else (None, None)
            for share, n in result.frame.select(name, str(column.of)).iter_rows()
        ]
        for position, end in enumerate(_ENDS):
            ends.append(pl.Series(f"{name}_{end}", [pair[position] for pair in pairs], pl.Float64))
            told = f"{_ENDS[end]} end of the 95 % interval of {name} (Wilson)."
            columns[f"{name}_{end}"] = Column(unit="rate", description=told)
    if not ends:
        return result
    return replace(result, columns=columns, data=result.frame.with_columns(ends).select(*columns))


def is_share(column: Column) -> bool:
    """Say whether ``column`` is a share of people that names how many they are."""
    return column.unit == "rate" and column.of is not None


def show_intervals(headings: Mapping[str, str], result: Result) -> dict[str, str]:
    """Return ``headings`` (column to heading) with n before each rate, and a share's ends after it.

    The n of a rate that is no share of people, such as one of money, is the row's group size.
    """
    shown: dict[str, str] = {}
    for name, heading in headings.items():
        column = result.columns[name]
        if column.unit == "rate":
            sizes = (column.of,) if column.of else result.group_sizes
            shown |= {size: "n" for size in sizes[:1] if size not in headings}
        shown[name] = heading
        if is_share(column):
            shown |= {f"{name}_{end}": told for end, told in _ENDS.items()}
    return shown
