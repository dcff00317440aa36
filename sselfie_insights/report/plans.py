"""The owner's events and targets on pages: what happened, and how far it is to what is planned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

import duckdb

from sselfie_insights.clock import write_day
from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.header import Unit

_TARGETS = """
select
    query, measure, targets.currency, value, by_on,
    total_low_cents as low, total_high_cents as high
from growth.targets
left join forecast.mrr_projection as projection
    on query = 'revenue/mrr_movements' and measure = 'closing_mrr_cents'
    and targets.currency = projection.currency
    -- The last month whose end is not after that day.
    and projection.month = date_trunc('month', by_on + 1) - interval 1 month
order by by_on
"""


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    happened_on: date
    kind: str
    title: str

    @property
    def text(self) -> str:
        """The day, the kind and the title."""
        return f"{write_day(self.happened_on)}, {self.kind}: {self.title}"


@dataclass(frozen=True)
class Target:
    """A value planned for a day; of MRR, with the 95 % interval of its projection by then."""

    query: str
    measure: str
    currency: str | None
    value: float
    by_on: date
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Plans:
    """What the owner wrote, names of products too, and the day for which pages speak."""

    events: tuple[Event, ...] = ()
    targets: tuple[Target, ...] = ()
    today: date = date.min
    names: Mapping[str, str] = field(default_factory=dict)


def read_plans(connection: duckdb.DuckDBPyConnection, today: date) -> Plans:
    """Return the events and targets of the open warehouse; none in one of an earlier version."""
    try:
        events = connection.execute(
            "select happened_on, kind, title from growth.events, marts.build_info"
            " where happened_on <= as_of_on order by happened_on, title"
        ).fetchall()
        targets = connection.execute(_TARGETS).fetchall()
    except duckdb.CatalogException:
        return Plans()
    return Plans(
        tuple(Event(*row) for row in events),
        tuple(Target(*row) for row in targets),
        today,
        _read_names(connection),
    )


def _read_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    try:
        return dict(connection.execute("select product_type, name from growth.names").fetchall())
    except duckdb.CatalogException:  # the marts are of an earlier version
        return {}


def place_events(events: Iterable[Event], points: Sequence[Any]) -> tuple[tuple[int, str], ...]:
    """Return the position of the period of each event among ``points``, first days, and its text.

    What happened before the first of them is left out.
    """
    placed = []
    for event in events:
        position = sum(point <= event.happened_on for point in points) - 1
        if position >= 0:
            placed.append((position, event.text))
    return tuple(placed)


def describe_targets(
    plans: Plans, query: str, column: str, row: dict[str, Any], unit: Unit, good: str
) -> str:
    """Return how far the number of ``row`` is from its next target, in words; nothing without one.

    Args:
        plans: The owner's.
        query: The query of the number.
        column: Its column.
        row: Its latest row.
        unit: Its unit.
        good: Whether it should go ``up`` or ``down``.
    """
    mine = [
        target
        for target in plans.targets
        if (target.query, target.measure) == (query, column)
        and target.currency in (None, row.get("currency"))
    ]
    if not mine or row[column] is None:
        return ""
    target = next((each for each in mine if each.by_on >= plans.today), mine[-1])
    write = partial(_write, unit=unit, currency=row.get("currency"))
    value, is_down = row[column], good == "down"
    is_met = value <= target.value if is_down else value >= target.value
    away = abs(target.value - value)
    points = f"{away * 100:.1f} points" if unit == "rate" else write(away)
    words = f"Target {write(target.value)} by {write_day(target.by_on)}: "
    if target.by_on < plans.today:
        return words + ("met." if is_met else f"missed by {points}.")
    if is_met:
        words += "met."
    elif unit == "rate" or is_down or target.value <= 0:
        words += f"{points} to go."
    else:
        words += f"{value / target.value:.0%} of it, {points} to go."
    if target.low is None or target.high is None:
        return words
    band = f"the projection ({write(target.low)} to {write(target.high)}, 95 %)"
    if target.low >= target.value:
        return f"{words} All of {band} is above it."
    if target.high < target.value:
        return f"{words} All of {band} is below it."
    return f"{words} It is open: it lies inside of {band}."


def _write(value: float, unit: Unit, currency: str | None) -> str:
    return write_cell(value if unit in ("rate", "number", "days") else round(value), unit, currency)
