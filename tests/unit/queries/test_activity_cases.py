"""Every option of activity cohorts in small cases that were worked out by hand.

Ann, bea and cat sign up in the week of Monday, 1 June 2026: on Monday at 10:00, on Tuesday at 20:00
and on Sunday at 23:30. The data ends on Wednesday, 24 June, at noon.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.warehouses import User, write_warehouse

Cohorts = dict[str, list[Any]]


def june(text: str) -> datetime:
    """Return an instant of June 2026, as day and time."""
    return datetime.fromisoformat(f"2026-06-{text}").replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    users = [
        User("ann", june("01T10:00"), [
            (june("01T12:00"), "image"),
            (june("02T09:00"), "image"),  # the next day, within 24 hours
            (june("03T11:00"), "chat"),
            (june("08T10:00"), "image"),  # exactly seven days after the start
        ], first_payment_at=june("09T00:00")),
        User("bea", june("02T20:00"), [
            (june("02T08:00"), "image"),  # before the start, on its day
            (june("03T19:00"), "image"),
            (june("03T21:00"), "image"),
        ]),
        User("cat", june("07T23:30"), [
            (june("08T00:30"), "chat"),  # an hour after the start, the next day and the next week
            (june("22T23:30"), "chat"),
        ], first_payment_at=june("20T00:00"), first_subscription_at=june("20T00:00")),
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("cases") / "w.duckdb"
    return write_warehouse(path, users, june("24T12:00"))


def run(path: Path, column: str, **given: str) -> Cohorts:
    """Return the values of a column by cohort; without cohorts nobody is in."""
    with OpenWarehouse(path) as opened:
        frame = run_query(opened, load_query("retention/activity_cohorts"), given).frame
    cohorts: Cohorts = {}
    for row in frame.filter(~frame["is_mean"]).iter_rows(named=True):
        if row["cohort_size"]:
            start: date = row["cohort_period"]
            cohorts.setdefault(f"{start:%m-%d}", []).append(row[column])
    return cohorts


WEEK = {"grain": "week"}
DAY = {"grain": "day", "periods": "9"}


@pytest.mark.parametrize(
    ("given", "retained"),
    [
        # The calendar: what bea did before her start is in its day, cat's first hour in the next.
        (DAY, {"06-01": [1, 1, 1, 0, 0, 0, 0, 1, 0], "06-02": [1, 1, 0, 0, 0, 0, 0, 0, 0],
               "06-07": [0, 1, 0, 0, 0, 0, 0, 0, 0]}),
        (WEEK, {"06-01": [2, 2, 0, 1]}),
        # A pair of weeks begins on 25 May, 20 weeks after 5 January.
        ({"grain": "two_weeks"}, {"05-25": [2, 2, 1]}),
        ({"grain": "month"}, {"06-01": [3]}),
        ({"grain": "quarter"}, {"04-01": [3]}),
        ({"grain": "year"}, {"01-01": [3]}),
        # 24 hours from the start: bea's 23 hours are in the first, ann's 168 begin the eighth.
        (DAY | {"window": "rolling"},
         {"06-01": [1, 0, 1, 0, 0, 0, 0, 1, 0], "06-02": [1, 1, 0, 0, 0, 0, 0, 0, 0],
          "06-07": [1, 0, 0, 0, 0, 0, 0, 0, 0]}),
        (WEEK | {"window": "rolling"}, {"06-01": [3, 1, 1, 0]}),
        ({"grain": "two_weeks", "window": "rolling"}, {"05-25": [3, 1]}),
        (DAY | {"window": "rolling", "at_least": "2", "periods": "2"},
         {"06-01": [1, 0], "06-02": [0, 0], "06-07": [0, 0]}),
        # Cohorts of a week, a month or a quarter, each with everybody's own periods.
        (DAY | {"cohort": "week"}, {"06-01": [2, 3, 1, 0, 0, 0, 0, 1, 0]}),
        (DAY | {"cohort": "month"}, {"06-01": [2, 3, 1, 0, 0, 0, 0, 1, 0]}),
        (WEEK | {"cohort": "month"}, {"06-01": [2, 2, 0, 1]}),
        ({"grain": "month", "cohort": "quarter"}, {"04-01": [3]}),
        # At least so often in a period: ann and bea do three things in their first week.
        (WEEK | {"at_least": "2"}, {"06-01": [2, 0, 0, 0]}),
        (WEEK | {"at_least": "3"}, {"06-01": [2, 0, 0, 0]}),
        (WEEK | {"at_least": "4"}, {"06-01": [0, 0, 0, 0]}),
        (WEEK | {"at_least": "3", "return": "image"}, {"06-01": [1, 0, 0, 0]}),
        # One feature.
        (WEEK | {"return": "chat"}, {"06-01": [1, 1, 0, 1]}),
        (WEEK | {"return": "image"}, {"06-01": [2, 1, 0, 0]}),
        (WEEK | {"return": "video"}, {"06-01": [0, 0, 0, 0]}),
        # In the period or any later one: ann's last week is the second, cat's the fourth.
        (WEEK | {"mode": "on_or_after"}, {"06-01": [3, 2, 1, 1]}),
        (WEEK | {"mode": "on_or_after", "at_least": "2"}, {"06-01": [2, 0, 0, 0]}),
        (WEEK | {"mode": "on_or_after", "periods": "2"}, {"06-01": [3, 2]}),
        (WEEK | {"mode": "on_or_after", "return": "image"}, {"06-01": [2, 1, 0, 0]}),
        # In a bracket.
        (WEEK | {"mode": "bracket", "brackets": "0,1-2,3"}, {"06-01": [2, 2, 1]}),
        (WEEK | {"mode": "bracket", "brackets": "0-1,2-3"}, {"06-01": [3, 1]}),
        # Twice in a bracket: cat, in the second and the fourth week.
        (WEEK | {"mode": "bracket", "brackets": "1-3", "at_least": "2"}, {"06-01": [1]}),
        (DAY | {"mode": "bracket", "brackets": "1,7,15", "cohort": "week"},
         {"06-01": [3, 1, 1]}),
        # Every week with activity is a start.
        (WEEK | {"start": "each_activity"},
         {"06-01": [2, 1, 0, 0], "06-08": [2, 0, 1], "06-22": [1]}),
        (WEEK | {"start": "each_activity", "return": "chat"},
         {"06-01": [1, 0, 0, 0], "06-08": [1, 0, 1], "06-22": [1]}),
        ({"grain": "month", "start": "each_activity"}, {"06-01": [3]}),
        # Other starts; ann pays after what she did in that week.
        (WEEK | {"start": "first_activity"}, {"06-01": [2, 1, 0, 0], "06-08": [1, 0, 1]}),
        (WEEK | {"start": "first_payment"}, {"06-08": [1, 0, 0], "06-15": [0, 1]}),
        (WEEK | {"start": "first_subscription"}, {"06-15": [0, 1]}),
        # A number of periods.
        (WEEK | {"periods": "1"}, {"06-01": [2]}),
        (WEEK | {"periods": "2"}, {"06-01": [2, 2]}),
        (WEEK | {"periods": "9"}, {"06-01": [2, 2, 0, 1]}),
    ],
)  # fmt: skip
def test_retained(warehouse: Path, given: dict[str, str], retained: Cohorts) -> None:
    if given.get("mode") == "bracket":
        given = {name: value for name, value in given.items() if name != "periods"}
    assert run(warehouse, "retained_count", **given) == retained


@pytest.mark.parametrize(
    ("given", "at_risk"),
    [
        # Cat's fourth week of 7 days, 16.5 days after the start, has not begun.
        (WEEK | {"window": "rolling"}, {"06-01": [3, 3, 3, 2]}),
        (WEEK, {"06-01": [3, 3, 3, 3]}),
        # By day, 17 days after cat's start are 22 after bea's and 23 after ann's.
        ({"grain": "day", "cohort": "week"}, {"06-01": [3] * 18 + [2] * 5 + [1]}),
    ],
)
def test_at_risk(warehouse: Path, given: dict[str, str], at_risk: Cohorts) -> None:
    assert run(warehouse, "at_risk_count", **given) == at_risk


@pytest.mark.parametrize(
    ("given", "rates"),
    [
        (WEEK, {"06-01": [None, 1.0, 0.0, None]}),
        (WEEK | {"mode": "on_or_after"}, {"06-01": [None, 2 / 3, 1 / 2, 1.0]}),
        (WEEK | {"at_least": "2"}, {"06-01": [None, 0.0, None, None]}),
    ],
)
def test_share_of_the_period_before(warehouse: Path, given: dict[str, str], rates: Cohorts) -> None:
    assert run(warehouse, "previous_rate", **given) == rates


@pytest.mark.parametrize(
    ("given", "complete"),
    [
        (WEEK, {"06-01": [True, True, True, False]}),
        # The last one of the cohort has had 16.5 days: two weeks of 7 days have ended for all.
        (WEEK | {"window": "rolling"}, {"06-01": [True, True, False, False]}),
        (WEEK | {"mode": "on_or_after"}, {"06-01": [True, False, False, False]}),
        (WEEK | {"mode": "bracket", "brackets": "0-2,2-3"}, {"06-01": [True, False]}),
    ],
)
def test_complete(warehouse: Path, given: dict[str, str], complete: Cohorts) -> None:
    assert run(warehouse, "is_complete", **given) == complete
