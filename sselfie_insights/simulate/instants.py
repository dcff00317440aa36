"""Instants as whole microseconds since 1970 (UTC), and calendar months on them."""

from bisect import bisect_right
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(instant: datetime) -> int:
    """Return ``instant`` (aware) in microseconds since 1970."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def to_datetime(micros: int) -> datetime:
    """Return the aware datetime (UTC) of ``micros``."""
    return _EPOCH + timedelta(microseconds=micros)


def on_date(year: int, month: int, day: int) -> int:
    """Return midnight (UTC) of a date in microseconds."""
    return to_micros(datetime(year, month, day, tzinfo=UTC))


def add_months(anchor: int, months: int) -> int:
    """Return the instant ``months`` calendar months after ``anchor``.

    The day of the month is the anchor's, or the month's last: Jan 31, Feb 28, Mar 31.
    """
    start = to_datetime(anchor)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return to_micros(start.replace(year=year, month=month + 1, day=day))


class Calendar:
    """The days, weeks and months of a zone between two instants, numbered from 0.

    Args:
        since: The first instant (microseconds).
        until: The last instant.
        zone: The reporting zone.
    """

    def __init__(self, since: int, until: int, zone: ZoneInfo) -> None:
        first = to_datetime(since).astimezone(zone).date().replace(day=1)
        first -= timedelta(days=first.weekday())  # whole weeks, and the whole first month
        last = to_datetime(until).astimezone(zone).date()
        self.zone = zone
        self.days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        self._midnights = [self._midnight(day) for day in self.days]
        self.weeks = self.days[::7]
        self.months = sorted({day.replace(day=1) for day in self.days})
        self._month_of_day = [self.months.index(day.replace(day=1)) for day in self.days]

    def _midnight(self, day: date) -> int:
        return to_micros(datetime.combine(day, time.min, tzinfo=self.zone))

    def day(self, instant: int) -> int:
        """Return the number of the day that holds ``instant``."""
        return bisect_right(self._midnights, instant) - 1

    def month(self, instant: int) -> int:
        """Return the number of the month that holds ``instant``."""
        return self._month_of_day[self.day(instant)]

    def month_of_day(self, day: int) -> int:
        """Return the number of the month that holds day number ``day``."""
        return self._month_of_day[day]

    def on(self, instant: int) -> date:
        """Return the local date of ``instant``, also outside the calendar."""
        return to_datetime(instant).astimezone(self.zone).date()

    def month_end(self, month: int) -> int:
        """Return the first instant after month number ``month``."""
        first = self.months[month]
        return self._midnight(date(first.year + first.month // 12, first.month % 12 + 1, 1))

    def day_end(self, day: int) -> int:
        """Return the first instant after day number ``day``."""
        return self._midnight(self.days[day] + timedelta(days=1))

    def week_end(self, week: int) -> int:
        """Return the first instant after week number ``week``."""
        return self._midnight(self.weeks[week] + timedelta(days=7))
