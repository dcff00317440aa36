"""Days on which no run published anything, and what of them a later run cannot make good."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sselfie_insights.warehouse.journal import Entry

LOST = (
    "every number is whole again, since events carry their own instants;"
    " what the source overwrites (the schema 'snapshots') was not seen on those days"
)


def missed_days(journal: Iterable[Entry], now: datetime, zone: ZoneInfo) -> list[date]:
    """Return the days between the last run that published and today, in ``zone``, oldest first.

    Args:
        journal: The runs that ended.
        now: The present.
        zone: The reporting zone.
    """
    published = [
        datetime.fromisoformat(entry["finished_at"])
        for entry in journal
        if entry["command"] == "run" and entry.get("published")
    ]
    if not published:
        return []
    last, today = max(published).astimezone(zone).date(), now.astimezone(zone).date()
    return [last + timedelta(days=count) for count in range(1, (today - last).days)]


def describe_missed(days: list[date]) -> str:
    """Return in words that ``days`` were missed, and what that means; nothing when none was."""
    if not days:
        return ""
    period = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} days)"
    return f"no run published on {period}: {LOST}"
