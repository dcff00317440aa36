"""How a value is written for people, by its unit; every renderer asks here."""

from datetime import date
from typing import Any

from sselfie_insights.clock import write_instant
from sselfie_insights.query.header import Unit
from sselfie_insights.query.run import Result

# Groups of fewer people than this are not shown, so that no page describes a person.
SMALLEST_GROUP = 5
SUPPRESSED = f"<{SMALLEST_GROUP}"
# Stands for the size of a larger group from which that of a small one could be worked out.
HIDDEN = "hidden"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def write_cell(value: Any, unit: Unit) -> str:
    """Return ``value`` as text: cents as 1,234.50, rates as 63.1%, a month as Jan 2026.

    None is the empty string: what is not known or has not begun is not shown as 0.
    """
    if value is None:
        return ""
    match unit:
        case "cents":
            sign, (whole, part) = "-" if value < 0 else "", divmod(abs(value), 100)
            return f"{sign}{whole:,}.{part:02}"
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
    places = [(list(result.columns).index(name), result.columns[name].unit) for name in chosen]
    for index, row in enumerate(result.rows):
        cells = [write_cell(row[place], unit) for place, unit in places]
        if result.suppressed and result.suppressed[index]:
            for position in sizes:
                cells[position] = cells[position] or result.suppressed[index]
        rows.append(cells)
    return rows
