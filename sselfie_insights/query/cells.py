"""How a value is written for people, by its unit; every renderer asks here."""

from collections.abc import Iterable, Sequence
from datetime import date
from math import isfinite
from typing import Any

from sselfie_insights.clock import write_day, write_instant, write_moment, write_month
from sselfie_insights.money import write_money
from sselfie_insights.query.header import Unit
from sselfie_insights.query.result import Result
from sselfie_insights.statistics.suppression import SMALLEST_GROUP
from sselfie_insights.warehouse.unknown import NOT_KNOWN

SUPPRESSED = f"<{SMALLEST_GROUP}"
# Stands for a number from which the size of a small group could be worked out.
HIDDEN = "hidden"


def write_cell(
    value: Any, unit: Unit, currency: str | None = None, *, in_words: bool = False
) -> str:
    """Return ``value`` as text: cents as $1,234.50, rates as 63.1%, a month as Jan 2026.

    Money has the sign and decimals of ``currency``, where there is one: 9800 yen are ¥9,800. None
    is the empty string: what is not known or has not begun is not shown as 0. ``in_words``, as on
    pages, a day is 5 Jan 2026; otherwise it can be copied into a command.
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
            return write_moment(value) if in_words else write_instant(value)
        case "date" if in_words:
            return write_day(value)
        case "flag":
            return "yes" if value else "no"
        case _:
            return str(value)


def write_rows(
    result: Result, names: list[str] | None = None, *, in_words: bool = False
) -> list[list[str]]:
    """Return the rows of ``result`` as text; the columns ``names``, by default all.

    A column that is not known says so in every row.
    """
    chosen = list(result.columns) if names is None else names
    every = list(result.columns)
    places = [(every.index(name), result.columns[name].unit) for name in chosen]
    of_currency = every.index("currency") if "currency" in every else None
    rows = []
    for row in result.rows:
        currency = None if of_currency is None else row[of_currency]
        rows.append(
            [write_cell(row[place], unit, currency, in_words=in_words) for place, unit in places]
        )
    for name in result.unknown:
        if name in chosen:
            for row_of in rows:
                row_of[chosen.index(name)] = NOT_KNOWN
    for name, marks in list_marks(result).items():
        if name in chosen:
            position = chosen.index(name)
            for index, mark in marks.items():
                rows[index][position] = mark
    return rows


def list_marks(result: Result) -> dict[str, dict[int, str]]:
    """Return what stands in place of hidden numbers of people, by column and row."""
    if result.marks is None:
        return {}
    columns = result.marks.to_dict(as_series=False).items()
    return {name: {i: mark for i, mark in enumerate(marks) if mark} for name, marks in columns}


def shown_rows(result: Result) -> Iterable[Sequence[Any]]:
    """Return the rows with what stands for the numbers that are hidden."""
    found = {name: marks for name, marks in list_marks(result).items() if marks}
    if not found:
        return result.rows
    rows = [list(row) for row in result.rows]
    for name, marks in found.items():
        position = list(result.columns).index(name)
        for index, mark in marks.items():
            rows[index][position] = mark
    return rows


def json_cell(value: Any) -> Any:
    """Return ``value`` as JSON has it, which knows no dates, and no NaN or infinity."""
    match value:
        case date():
            return write_iso(value)
        case float() if not isfinite(value):
            return repr(value)
        case _:
            return value


def write_iso(value: date) -> str:
    """Return a day or an instant in ISO's form, UTC as ``Z``."""
    return value.isoformat().replace("+00:00", "Z")
