"""How large the segments are, why people are in them, and how they overlap."""

from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import polars as pl

from sselfie_insights.errors import UsageError
from sselfie_insights.query.result import Result
from sselfie_insights.query.table import TextTable, lay_out
from sselfie_insights.segment.library import find_segment, list_segments, read_segment
from sselfie_insights.segment.record import PastExport
from sselfie_insights.warehouse.reading import OpenWarehouse
from sselfie_insights.warehouse.unknown import NOT_KNOWN

SIZES_SCHEMA = {
    "segment": pl.String,
    "title": pl.String,
    "goal": pl.String,
    "send_by_on": pl.Date,
    "reason": pl.String,
    "person_count": pl.Int64,
    "cooling_count": pl.Int64,
    "ready_count": pl.Int64,
}
OVERLAPS_SCHEMA = {"segment": pl.String, "other_segment": pl.String, "person_count": pl.Int64}

Members = Mapping[str, Result | UsageError]
"""Who is in each segment, by its short name; or why that is not known."""


def read_members(warehouse: OpenWarehouse, record: list[PastExport]) -> Members:
    """Return who is in each segment now; one that is wrong or fails keeps no other from it."""
    members: dict[str, Result | UsageError] = {}
    for name in list_segments():
        try:
            members[name] = read_segment(warehouse, find_segment(name), record=record)
        except UsageError as error:
            members[name] = error
    return members


def count_sizes(members: Members) -> list[dict[str, Any]]:
    """Return a row for every segment and reason, the most frequent reason first.

    A segment that nobody is in has one row; so has one that is not known, and says so.
    """
    rows: list[dict[str, Any]] = []
    for name, result in members.items():
        if isinstance(result, UsageError):
            unknown = f"cannot be computed; see sselfie segment show {name}"
            rows.append(_size(name, unknown, None, None) | _nothing_to_do(name))
            continue
        reasons = pl.col("reason").fill_null(NOT_KNOWN)
        people = list(result.frame.select(reasons, "is_cooling").iter_rows())
        counts = Counter(reason for reason, _ in people)
        cooling = Counter(reason for reason, is_cooling in people if is_cooling)
        what = _nothing_to_do(find_segment(name).title) | _read_deadline(result)
        if not counts:
            rows.append(_size(name, "nobody", 0, 0) | what)
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            rows.append(_size(name, reason, count, cooling[reason]) | what)
    return rows


def _nothing_to_do(title: str) -> dict[str, Any]:
    return {"title": title, "goal": None, "send_by_on": None}


def _read_deadline(result: Result) -> dict[str, Any]:
    """What a message is for, and the first day on which it is too late for somebody."""
    ready = result.frame.filter(~pl.col("is_cooling"))
    if ready.is_empty():
        return {}
    return {"goal": ready["goal"].mode().sort()[0], "send_by_on": ready["send_by_on"].min()}


def count_overlaps(members: Members) -> list[dict[str, Any]]:
    """Return a row for every pair of segments with people in common, the largest first."""
    people = {
        name: set(result.frame["customer_key"])
        for name, result in members.items()
        if isinstance(result, Result)
    }
    rows = [
        {"segment": one, "other_segment": other, "person_count": len(people[one] & people[other])}
        for one, other in combinations(people, 2)
    ]
    common = [row for row in rows if row["person_count"]]
    return sorted(common, key=lambda row: (-row["person_count"], row["segment"]))


def lay_out_overlaps(result: Result) -> list[str]:
    """Return the pairs of :func:`count_overlaps` as the lines of a matrix."""
    pairs = {
        (row["segment"], row["other_segment"]): row["person_count"]
        for row in result.frame.to_dicts()
    }
    names = sorted({name for pair in pairs for name in pair})
    rows = [
        [
            f"{number} {one}",
            *(str(pairs.get((one, other)) or pairs.get((other, one)) or "") for other in names),
        ]
        for number, one in enumerate(names, start=1)
    ]
    numbers = [str(number) for number in range(1, len(names) + 1)]
    lines, _ = lay_out(TextTable(["segment", *numbers], rows, [False, *([True] * len(names))]))
    return lines


def _size(name: str, reason: str, people: int | None, cooling: int | None) -> dict[str, Any]:
    return {
        "segment": name,
        "reason": reason,
        "person_count": people,
        "cooling_count": cooling,
        "ready_count": None if people is None or cooling is None else people - cooling,
    }
