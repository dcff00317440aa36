"""Headline numbers: the last value of a series, its change, and its course."""

from dataclasses import dataclass
from typing import Any, Literal

from sselfie_insights.errors import UsageError
from sselfie_insights.query.cells import SUPPRESSED, write_cell
from sselfie_insights.query.library import Unit
from sselfie_insights.query.run import Result
from sselfie_insights.report.definition import HeadlineItem
from sselfie_insights.report.tables import rank_values

# Points of a sparkline: a year of months and the running one.
_TREND_POINTS = 13


@dataclass(frozen=True)
class Tile:
    """A headline number.

    Attributes:
        label: What it is.
        value: The number, or in words why there is none.
        has_value: Whether there is a number.
        period: What it speaks for, e.g. ``Feb 2026``.
        change: The change against the period before, e.g. ``+3 vs Jan 2026``; may be empty.
        tone: Whether the change is good news.
        trend: The series' last values, oldest first.
    """

    label: str
    value: str
    has_value: bool
    period: str
    change: str
    tone: Literal["good", "bad", "neutral"]
    trend: tuple[float | None, ...]


def build_tiles(item: HeadlineItem, result: Result) -> list[Tile]:
    """Return the tiles of ``item``: one, or one for each value of its ``each`` column.

    Raises:
        UsageError: The query has no such column.
    """
    for name in filter(None, (item.column, item.each)):
        if name not in result.columns:
            raise UsageError(f"headline {item.label!r}: {result.name} has no column {name!r}")
    rows = list(zip(result.frame.to_dicts(), result.suppressed or (), strict=False))
    if not result.suppressed:
        rows = [(row, False) for row in result.frame.to_dicts()]
    if item.each is None:
        return [_build_tile(item, item.label, result, rows)]
    values = rank_values(result, item.each)
    if not values:
        return [_build_tile(item, item.label, result, [])]
    return [
        _build_tile(
            item,
            f"{item.label}, {_short(value)}",
            result,
            [(row, small) for row, small in rows if row[item.each] == value],
        )
        for value in values
    ]


def _build_tile(
    item: HeadlineItem, label: str, result: Result, rows: list[tuple[dict[str, Any], bool]]
) -> Tile:
    unit = result.columns[item.column].unit
    time = next(
        (name for name in result.key if result.columns[name].unit in ("month", "date")), None
    )
    if item.at == "complete":
        rows = [(row, small) for row, small in rows if row["is_complete"]]
    if not rows or (rows[-1][0][item.column] is None and not rows[-1][1]):
        return Tile(label, item.empty, False, "", "", "neutral", ())
    (last, small), earlier = rows[-1], rows[:-1]
    trend = tuple(
        None if row[item.column] is None else float(row[item.column])
        for row, _ in rows[-_TREND_POINTS:]
    )
    period = "" if time is None else _write_period(last, time, result)
    if last.get("is_complete") is False and period:
        period += " to date"
    if small:
        return Tile(label, SUPPRESSED, True, period, "", "neutral", ())
    previous = earlier[-1][0] if earlier else None
    change, tone = "", "neutral"
    if time is not None and previous is not None and previous[item.column] is not None:
        difference = last[item.column] - previous[item.column]
        change = f"{_write_difference(difference, unit)} vs {_write_period(previous, time, result)}"
        if difference and item.good != "neither":
            tone = "good" if (difference > 0) == (item.good == "up") else "bad"
    value = write_cell(last[item.column], unit)
    return Tile(label, value, True, period, change, tone, trend)  # type: ignore[arg-type]


def _write_difference(difference: float, unit: Unit) -> str:
    if not difference:
        return "unchanged"
    sign = "+" if difference > 0 else "\N{MINUS SIGN}"
    if unit == "rate":
        return f"{sign}{abs(difference) * 100:.1f} points"
    return sign + write_cell(abs(difference), unit)


def _write_period(row: dict[str, Any], time: str, result: Result) -> str:
    return write_cell(row[time], result.columns[time].unit)


def _short(value: object) -> str:
    text = str(value)
    return text.upper() if len(text) == len("usd") else text
