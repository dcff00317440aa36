from datetime import UTC, datetime

import pytest

from sselfie_insights.clock import parse_instant
from sselfie_insights.errors import UsageError


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-01-31", "UTC", datetime(2026, 1, 31, 23, 59, 59, 999999, UTC)),
        # Oslo is an hour ahead in winter, Los Angeles eight behind.
        ("2026-01-31", "Europe/Oslo", datetime(2026, 1, 31, 22, 59, 59, 999999, UTC)),
        ("2026-01-31", "America/Los_Angeles", datetime(2026, 2, 1, 7, 59, 59, 999999, UTC)),
        # The day on which Oslo's clocks go forward has 23 hours.
        ("2026-03-29", "Europe/Oslo", datetime(2026, 3, 29, 21, 59, 59, 999999, UTC)),
        ("2026-01-31T09:00:00Z", "Europe/Oslo", datetime(2026, 1, 31, 9, tzinfo=UTC)),
        ("2026-01-31T09:00:00", "Europe/Oslo", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T09:00:00+02:00", "UTC", datetime(2026, 1, 31, 7, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_in_the_reporting_zone(text: str, zone: str, expected: datetime) -> None:
    assert parse_instant(text, zone) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-02-30", "9999-12-31"])
def test_what_is_not_an_instant_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an instant"):
        parse_instant(text)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown time zone 'Mars/Olympus'"):
        parse_instant("2026-01-31", "Mars/Olympus")
