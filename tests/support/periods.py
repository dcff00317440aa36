"""Calendar periods in plain Python, and the zones in which tests count them."""

from datetime import date, timedelta

import pytest

DAYS = {"day": 1, "week": 7, "two_weeks": 14}
MONTHS = {"month": 1, "quarter": 3, "year": 12}

ZONES = (
    "Pacific/Chatham",
    pytest.param("America/Los_Angeles", marks=pytest.mark.slow),
    pytest.param("Asia/Kathmandu", marks=pytest.mark.slow),
    pytest.param("Australia/Lord_Howe", marks=pytest.mark.slow),
)
"""Of 12:45 with a change of clocks, west of UTC, of 5:45, and with a change by half an hour."""


def trunc(day: date, grain: str, week_start: int = 0) -> date:
    """Return the first day of the period of ``day``; weeks begin on a weekday from 0, Monday."""
    match grain:
        case "day":
            return day
        case "week":
            return day - timedelta(days=(day.weekday() - week_start) % 7)
        case "two_weeks":  # of which one pair begins on such a day from Monday, 5 January 2026
            return day - timedelta(days=(day - date(2026, 1, 5 + week_start)).days % 14)
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        case _:
            return date(day.year, 1, 1)


def add(period: date, count: int, grain: str) -> date:
    """Return the first day of a period so many periods later."""
    if grain in MONTHS:
        months = period.year * 12 + period.month - 1 + count * MONTHS[grain]
        return date(months // 12, months % 12 + 1, 1)
    return period + timedelta(days=count * DAYS[grain])
