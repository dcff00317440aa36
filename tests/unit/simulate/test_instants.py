from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from sselfie_insights.simulate.instants import Calendar, add_months, to_datetime, to_micros


def _micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        (1, "2026-02-28T10:00:00"),
        (2, "2026-03-31T10:00:00"),
        (12, "2027-01-31T10:00:00"),
        (-11, "2025-02-28T10:00:00"),
        (25, "2028-02-29T10:00:00"),
    ],
)
def test_months_are_counted_from_the_anchor(months: int, expected: str) -> None:
    assert add_months(_micros("2026-01-31T10:00:00"), months) == _micros(expected)


def test_instants_survive_the_round_trip() -> None:
    instant = datetime(2026, 3, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert to_datetime(to_micros(instant)) == instant


@pytest.mark.parametrize(
    ("zone", "month", "day"),
    [
        ("UTC", date(2026, 3, 1), date(2026, 3, 31)),
        ("Europe/Oslo", date(2026, 4, 1), date(2026, 4, 1)),
        ("America/Los_Angeles", date(2026, 3, 1), date(2026, 3, 31)),
    ],
)
def test_a_calendar_puts_instants_into_local_periods(zone: str, month: date, day: date) -> None:
    since, until = _micros("2026-01-15T00:00:00"), _micros("2026-05-01T12:00:00")
    calendar = Calendar(since, until, ZoneInfo(zone))
    at = _micros("2026-03-31T22:30:00")
    assert calendar.months[calendar.month(at)] == month
    assert calendar.days[calendar.day(at)] == day
    assert calendar.weeks[calendar.day(at) // 7] == date(2026, 3, 30)
    end = calendar.month_end(calendar.month(at))
    assert calendar.month(end - 1) == calendar.month(at)
    assert calendar.month(end) == calendar.month(at) + 1
