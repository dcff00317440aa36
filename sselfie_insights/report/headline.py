"""Headline numbers: the last value of a series, its change, and its course."""

from dataclasses import dataclass, replace
from math import hypot
from typing import Any, Literal

from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.header import Unit
from sselfie_insights.query.result import Result
from sselfie_insights.report.definition import HeadlineItem
from sselfie_insights.report.plans import Plans, describe_targets
from sselfie_insights.report.tables import rank_values
from sselfie_insights.report.validation import check_earlier, check_item
from sselfie_insights.warehouse.closed import write_row_key
from sselfie_insights.warehouse.gaps import Gap

Tone = Literal["good", "bad", "neutral"]

# Points of a sparkline: a year of months and the running one.
_TREND_POINTS = 13
# How many values of its ``each`` get a tile; a note counts the others.
_MOST_TILES = 4


@dataclass(frozen=True)
class Tile:
    """A headline number.

    Attributes:
        label: What it is.
        value: The number, or in words why there is none.
        has_value: Whether there is a number.
        interval: Its 95 % interval and the n it rests on, e.g. ``95 %: 1.2% to 5.4%, n = 90``, and
            what has restated it since it was signed; may be empty.
        period: What it speaks for, e.g. ``Feb 2026``.
        is_running: Whether that period is still running.
        change: The change against the period before, or against the day of ``earlier``, e.g.
            ``+3 (+4.2%) vs Jan 2026``; may be empty.
        tone: Whether the change is good news, as far as chance does not explain it.
        trend: The series' last values, oldest first.
        rank: Its place among the values of ``each``; 0 for the largest, or where there is one.
        more: The report that shows more of it; may be empty.
        definition: What it means.
        target: How far it is from the owner's target, in words; may be empty.
    """

    label: str
    value: str
    has_value: bool
    interval: str
    period: str
    is_running: bool
    change: str
    tone: Tone
    trend: tuple[float | None, ...]
    rank: int = 0
    more: str = ""
    target: str = ""
    definition: str = ""


def build_tiles(
    item: HeadlineItem, result: Result, earlier: Result | None = None, plans: Plans | None = None
) -> list[Tile]:
    """Return the tiles of ``item``: one, or one for each value of its ``each`` column.

    Args:
        item: What to show.
        result: Its rows, small groups suppressed.
        earlier: Those of the ``earlier`` that it names.
        plans: The owner's targets.

    Raises:
        UsageError: The query has no such column, or it holds no number.
    """
    check_item(item, result)
    if item.earlier is not None and earlier is not None:
        check_earlier(item, item.earlier, earlier)
    marks = result.hidden or ("",) * result.frame.height
    rows = list(zip(result.frame.to_dicts(), marks, strict=True))
    if item.each is None:
        return [_build_tile(item, item.label, result, rows, earlier, plans)]
    values = rank_values(result, item.each)
    if not values:
        return [_build_tile(item, item.label, result, [])]
    tiles = [
        replace(
            _build_tile(
                item,
                f"{item.label}, {_short(value)}",
                result,
                [(row, mark) for row, mark in rows if row[item.each] == value],
                earlier,
                plans,
            ),
            rank=rank,
        )
        for rank, value in enumerate(values[:_MOST_TILES])
    ]
    if len(values) > _MOST_TILES:
        text = f"{len(values) - _MOST_TILES:,} more in the query {result.name}"
        label, rank = f"{item.label}, others", _MOST_TILES
        tiles.append(Tile(label, text, False, "", "", False, "", "neutral", (), rank))
    return tiles


def missing_tile(item: HeadlineItem, gap: Gap) -> Tile:
    """Return the tile of an ``item`` that could not be made."""
    text = gap.reason if gap.is_unknown else f"not available: {gap.reason}"
    return Tile(item.label, text, False, "", "", False, "", "neutral", ())


def _build_tile(
    item: HeadlineItem,
    label: str,
    result: Result,
    rows: list[tuple[dict[str, Any], str]],
    before: Result | None = None,
    plans: Plans | None = None,
) -> Tile:
    unit = result.columns[item.column].unit
    time = next(iter(result.period_columns), None)
    text = item.empty
    if item.at == "complete" and rows:
        rows = [(row, mark) for row, mark in rows if row["is_complete"]]
        text = item.empty if rows else "no complete period yet"
    if not rows or (rows[-1][0][item.column] is None and not rows[-1][1]):
        return Tile(label, text, False, "", "", False, "", "neutral", ())
    (last, mark), earlier = rows[-1], rows[:-1]
    trend = tuple(
        None if row[item.column] is None else float(row[item.column])
        for row, _ in rows[-_TREND_POINTS:]
    )
    period = "" if time is None else _write_period(last, time, result)
    is_running = last.get("is_complete") is False
    if mark and last[item.column] is None:
        is_count = result.marks is not None and item.column in result.marks.columns
        text = mark if is_count else "too few people to show"
        return Tile(label, text, is_count, "", period, is_running, "", "neutral", ())
    currency, change = last.get("currency"), ""
    tone: Tone = "neutral"
    # What is to come is compared with today, as what runs is with the same day before.
    is_open = is_running or "is_complete" not in last
    if is_open and item.earlier is not None:
        for row in before.frame.to_dicts() if before is not None else ():
            if item.each is None or row[item.each] == last[item.each]:
                previous, day = row[item.earlier.column], row[item.earlier.on]
                change = _write_change(last[item.column], previous, unit, currency)
                change += f" vs {day.day} {day:%b}" if change else ""
    elif time is not None and earlier:
        previous = earlier[-1][0]
        change = _write_change(last[item.column], previous[item.column], unit, currency)
        if change:
            tone, words = _judge(item, last, previous, result)
            change += f" vs {_write_period(previous, time, result)}{words}"
    value = write_cell(last[item.column], unit, currency)
    interval = _write_interval(item, last, result)
    restated = result.restated.get((write_row_key(result.key, last), item.column), "")
    return Tile(
        label,
        value,
        True,
        "; ".join(filter(None, (interval, restated))),
        period,
        is_running,
        change,
        tone,
        trend,
        more=item.more or "",
        definition=result.columns[item.column].description,
        target=describe_targets(plans, result.name, item.column, last, unit, item.good)
        if plans
        else "",
    )


def _write_interval(item: HeadlineItem, row: dict[str, Any], result: Result) -> str:
    """The 95 % interval and the n, as far as the row has them."""
    column = result.columns[item.column]
    n, low, high = item.n, item.low, item.high
    if column.interval:
        n, (low, high) = n or column.of, column.interval
    ends = [row[name] for name in (low, high) if name]
    parts = []
    if ends and None not in ends:
        parts.append(
            "95 %: "
            + " to ".join(write_cell(end, column.unit, row.get("currency")) for end in ends)
        )
    if n and row[n] is not None:
        parts.append(f"n = {write_cell(row[n], 'count')}")
    return ", ".join(parts)


def _write_change(now: Any, before: Any, unit: Unit, currency: str | None) -> str:
    """The change, of amounts and counts with its percent beside it."""
    if before is None:
        return ""
    moved = write_difference(now - before, unit, currency)
    if unit == "rate" or before <= 0 or now == before:
        return moved
    return f"{moved} ({(now - before) / before:+.1%})".replace("-", "\N{MINUS SIGN}")


def _judge(
    item: HeadlineItem, now: dict[str, Any], before: dict[str, Any], result: Result
) -> tuple[Tone, str]:
    """Whether a share of people has become better or worse: where chance does not explain it.

    The interval of the difference is made of those of the two shares (Newcombe's method 10).
    """
    ends = result.columns[item.column].interval
    if item.good == "neither" or ends is None:
        return "neutral", ""
    rates = [row[item.column] for row in (now, before)]
    lows, highs = ([row[end] for row in (now, before)] for end in ends)
    if None in (*rates, *lows, *highs):
        return "neutral", ""
    difference = rates[0] - rates[1]
    low = difference - hypot(rates[0] - lows[0], highs[1] - rates[1])
    high = difference + hypot(highs[0] - rates[0], rates[1] - lows[1])
    if low <= 0 <= high:
        return "neutral", ", within chance" if difference else ""
    is_better = (difference > 0) == (item.good == "up")
    return ("good", ", better") if is_better else ("bad", ", worse")


def write_difference(difference: float, unit: Unit, currency: str | None) -> str:
    """Return a change with its sign: ``+12.50``, of rates ``+1.2 points``; or ``unchanged``."""
    if not difference:
        return "unchanged"
    sign = "+" if difference > 0 else "\N{MINUS SIGN}"
    if unit == "rate":
        return f"{sign}{abs(difference) * 100:.1f} points"
    return sign + write_cell(abs(difference), unit, currency)


def _write_period(row: dict[str, Any], time: str, result: Result) -> str:
    if result.values.get("grain") == "week":
        return f"week of {row[time].day} {row[time]:%b}"
    return write_cell(row[time], result.columns[time].unit, in_words=True)


def _short(value: object) -> str:
    text = str(value)
    return text.upper() if len(text) == len("usd") else text
