"""What the owner writes beside the numbers: ``events.yml`` happened, ``targets.yml`` is to come."""

from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sselfie_insights.errors import UsageError
from sselfie_insights.files import read_text
from sselfie_insights.owner_files import Currency
from sselfie_insights.query.header import NUMERIC_UNITS
from sselfie_insights.query.library import find_query, load_library
from sselfie_insights.query.yaml_files import parse_yaml

EVENTS_FILE, TARGETS_FILE = Path("events.yml"), Path("targets.yml")
EVENTS_SCHEMA = {"happened_on": pl.Date, "kind": pl.String, "title": pl.String}
TARGETS_SCHEMA = {
    "query": pl.String,
    "measure": pl.String,
    "currency": pl.String,
    "value": pl.Float64,
    "by_on": pl.Date,
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Event(_Strict):
    """Something that happened, and may have moved the numbers."""

    day: date
    kind: Literal["price change", "campaign", "incident", "release", "other"]
    title: str = Field(min_length=1, max_length=80)


class Target(_Strict):
    """A value that a headline number should have by a day.

    ``value`` is in the number's own unit: money in cents, rates from 0 to 1.
    """

    query: str
    column: str
    currency: Currency | None = None
    value: float
    by: date


class _Events(_Strict):
    events: tuple[Event, ...]


class _Targets(_Strict):
    targets: tuple[Target, ...]


def read_events() -> list[dict[str, Any]]:
    """Return the rows of ``events.yml`` of the working directory, by day; none without the file.

    Raises:
        UsageError: The file is wrong; the message names the key.
    """
    if not EVENTS_FILE.is_file():
        return []
    events = parse_yaml(_Events, read_text(EVENTS_FILE), EVENTS_FILE).events
    rows = [{"happened_on": each.day, "kind": each.kind, "title": each.title} for each in events]
    return sorted(rows, key=lambda row: (row["happened_on"], row["title"]))


def read_targets() -> list[dict[str, Any]]:
    """Return the rows of ``targets.yml`` of the working directory; none without the file.

    Raises:
        UsageError: The file is wrong, or names a number that no query gives.
    """
    if not TARGETS_FILE.is_file():
        return []
    library = load_library()
    rows = []
    for each in parse_yaml(_Targets, read_text(TARGETS_FILE), TARGETS_FILE).targets:
        query = find_query(each.query, library)
        if each.column not in query.columns or query.columns[each.column].unit not in NUMERIC_UNITS:
            raise UsageError(
                f"{TARGETS_FILE}: query {query.name} has no number {each.column!r}",
                remedy=f"'sselfie query show {query.name}' lists its columns",
            )
        rows.append({
            "query": query.name, "measure": each.column, "currency": each.currency,
            "value": each.value, "by_on": each.by,
        })  # fmt: skip
    return rows
