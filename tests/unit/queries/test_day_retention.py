"""The return on day 1, 7 and 28: hand cases, and the cells of activity cohorts by day."""

import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.activity_oracle import random_users
from tests.support.periods import ZONES
from tests.support.warehouses import User, write_warehouse

DAYS = (1, 7, 28)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def run(path: Path, name: str = "day_retention", **given: str) -> list[dict[str, Any]]:
    with OpenWarehouse(path) as opened:
        return run_query(opened, load_query(f"retention/{name}"), given).frame.to_dicts()


@pytest.mark.parametrize(
    ("given", "rates"),
    [
        # The week of Monday, 5 January: ann and bea; that of the 12th: nobody; of the 19th: cat.
        ({}, [(2, 0.5, 1.0, 0.5), (0, None, None, None), (1, 1.0, 0.0, None)]),
        ({"return": "chat"}, [(2, 0.0, 0.5, 0.5), (0, None, None, None), (1, 1.0, 0.0, None)]),
        ({"cohort": "month"}, [(3, 2 / 3, 2 / 3, None), (0, None, None, None)]),
        ({"since": "2026-01-20", "until": "2026-01-20"}, [(1, 1.0, 0.0, None)]),
    ],
)
def test_hand_computed_days(
    tmp_path: Path, given: dict[str, str], rates: list[tuple[float | None, ...]]
) -> None:
    users = [
        User("ann", at("2026-01-06T23:00"), [
            (at("2026-01-07T01:00"), "image"), (at("2026-01-13T12:00"), "image"),
        ]),
        # Not on day 1: it is the day itself, and day 2.
        User("bea", at("2026-01-11T01:00"), [
            (at("2026-01-11T23:00"), "image"), (at("2026-01-13T00:00"), "image"),
            (at("2026-01-18T09:00"), "chat"), (at("2026-02-08T23:59"), "chat"),
        ]),
        User("cat", at("2026-01-19T12:00"), [(at("2026-01-20T12:00"), "chat")]),
    ]  # fmt: skip
    path = write_warehouse(tmp_path / "w.duckdb", users, at("2026-02-14T12:00"))
    rows = [
        (row["cohort_size"], *(row[f"day_{day}_rate"] for day in DAYS))
        for row in run(path, **given)
    ]
    # The last weeks have nobody yet.
    assert rows[: len(rates)] == rates and not any(row[0] for row in rows[len(rates) :])


@pytest.mark.parametrize("zone", ZONES)
def test_the_days_are_those_of_the_cohorts_by_day(zone: str, tmp_path: Path) -> None:
    rng = random.Random(zone)
    for number in range(2):
        users, as_of = random_users(rng)
        path = tmp_path / f"{number}.duckdb"
        write_warehouse(path, users, as_of, zone, date(1, 1, 1 + rng.randrange(7)))
        for _ in range(3):
            given = {
                "cohort": rng.choice(["week", "month"]),
                "start": rng.choice(["signup", "first_payment", "first_activity"]),
                "return": rng.choice(["any", "chat"]),
            }
            cells = run(path, "activity_cohorts", grain="day", **given)
            expected: dict[date, dict[int, float]] = {}
            for cell in cells:
                if not cell["is_mean"] and cell["period_index"] in (0, *DAYS):
                    rates = expected.setdefault(cell["cohort_period"], {})
                    if cell["is_in_mean"]:
                        rates[cell["period_index"]] = cell["retention_rate"]
            found = run(path, **given)
            assert {row["cohort_period"] for row in found} == expected.keys()
            for row in found:
                for day in DAYS:
                    assert row[f"day_{day}_rate"] == expected[row["cohort_period"]].get(day)
