"""Instants, reporting zones and durations.

Instants are aware datetimes in UTC. A bare date stands for the last microsecond of that day in
the reporting zone, so that ``2026-01-31`` holds all of January.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sselfie_insights.errors import UsageError


def parse_zone(name: str) -> ZoneInfo:
    """Return the IANA time zone called ``name``.

    Raises:
        UsageError: There is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"unknown time zone {name!r}", remedy="use an IANA name such as Europe/Oslo"
        ) from None


def parse_instant(text: str, zone: str = "UTC") -> datetime:
    """Return the instant (UTC) that ``text`` names: an ISO date, or an ISO date and time.

    A bare date is the end of that day in ``zone``; a time without an offset is in ``zone``.

    Raises:
        UsageError: ``text`` is neither, or ``zone`` is unknown.
    """
    tz = parse_zone(zone)
    try:
        if len(text) == len("2026-01-31"):
            next_day = date.fromisoformat(text) + timedelta(days=1)
            midnight = datetime.combine(next_day, time.min, tzinfo=tz).astimezone(UTC)
            return midnight - timedelta(microseconds=1)
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is not an instant", remedy="write 2026-01-31 or 2026-01-31T09:00:00Z"
        ) from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=tz)).astimezone(UTC)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def write_month(day: date) -> str:
    """Return the month of ``day``, e.g. ``Jan 2026``, in English whatever the locale."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def write_day(day: date) -> str:
    """Return ``day`` as pages write it, e.g. ``5 Jan 2026``."""
    return f"{day.day} {write_month(day)}"


def write_moment(moment: datetime) -> str:
    """Return an instant as pages write it, in UTC: ``5 Jan 2026, 09:30 UTC``."""
    moment = moment.astimezone(UTC)
    return f"{write_day(moment)}, {moment:%H:%M} UTC"


def write_instant(moment: datetime) -> str:
    """Return the instant in UTC to the second, e.g. ``2026-01-31 23:59:59 UTC``."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """Return the time that ``text`` names in seconds, minutes, hours or days: ``90s``, ``26h``.

    Raises:
        UsageError: It names none.
    """
    found = re.fullmatch(r"\s*(\d{1,6})\s*([smhd])\s*", text)
    if found is None:
        raise UsageError(f"{text!r} is not a duration", remedy="write 90m, 26h or 2d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
