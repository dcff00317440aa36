"""How a value is written for people, by its unit; every renderer asks here."""

from datetime import date
from typing import Any

from sselfie_insights.clock import write_instant
from sselfie_insights.money import write_money
from sselfie_insights.query.header import Unit
from sselfie_insights.query.run import Result

# Groups of fewer people than this are not shown, so that no page describes a person.
SMALLEST_GROUP = 5
SUPPRESSED = f"<{SMALLEST_GROUP}"
# Stands for the size of a larger group from which that of a small one could be worked out.
HIDDEN = "hidden"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def write_cell(value: Any, unit: Unit, currency: str | None = None) -> str:
    """Return ``value`` as text: cents as $1,234.50, rates as 63.1%, a month as Jan 2026.

    Money has the sign and decimals of ``currency``, where there is one: 9800 yen are ¥9,800. None
    is the empty string: what is not known or has not begun is not shown as 0.
    """
    if value is None:
        return ""
    match unit:
        case "cents":
            return write_money(value, currency)
        case "rate":
            return f"{value:.1%}"
        case "count" | "credits":
            return f"{value:,}"
        case "days":
            return f"{value:,.1f}"
        case "number":
            return f"{value:,.2f}"
        case "month":
            return write_month(value)
        case "instant":
            return write_instant(value)
        case "flag":
            return "yes" if value else "no"
        case _:
            return str(value)


def write_month(day: date) -> str:
    """Return the month of ``day``, e.g. ``Jan 2026``, in English whatever the locale."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def write_rows(result: Result, names: list[str] | None = None) -> list[list[str]]:
    """Return the rows of ``result`` as text; the columns ``names``, by default all."""
    chosen = list(result.columns) if names is None else names
    sizes = [chosen.index(name) for name in result.group_sizes if name in chosen]
    rows = []
    every = list(result.columns)
    places = [(every.index(name), result.columns[name].unit) for name in chosen]
    of_currency = every.index("currency") if "currency" in every else None
    for index, row in enumerate(result.rows):
        currency = None if of_currency is None else row[of_currency]
        cells = [write_cell(row[place], unit, currency) for place, unit in places]
        if result.suppressed and result.suppressed[index]:
            for position in sizes:
                cells[position] = cells[position] or result.suppressed[index]
        rows.append(cells)
    return rows
