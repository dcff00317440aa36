"""Lifecycle and stickiness, by feature and segment, against hand cases and a brute force."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.activity_oracle import is_mine, random_users
from tests.support.periods import ZONES, add, trunc
from tests.support.warehouses import User, write_segment, write_warehouse

LIFECYCLE = load_query("engagement/lifecycle")
STICKINESS = load_query("engagement/stickiness_by_period")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def run(path: Path, query: Any, **given: str) -> list[dict[str, Any]]:
    with OpenWarehouse(path) as opened:
        return run_query(opened, query, given).frame.to_dicts()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Ann in January, February and April; bea in January and March; cat in April, all of 2026."""

    def user(name: str, product: str, *days: str) -> User:
        moments = [(at(f"2026-{day}T10:00"), feature) for day, feature in map(str.split, days)]
        return User(name, at("2026-01-01T00:00"), moments, product=product)

    users = [
        user("ann", "pro", "01-05 image", "01-06 image", "02-10 chat", "04-02 image"),
        user("bea", "starter", "01-05 image", "01-05 chat", "03-10 image"),
        user("cat", "pro", "04-04 chat"),
    ]
    return write_warehouse(tmp_path / "w.duckdb", users, at("2026-04-10T12:00"))


def lifecycle(path: Path, **given: str) -> dict[str, list[tuple[int, int, int, int]]]:
    """New, returning, resurrected and dormant of each period, by segment."""
    found: dict[str, list[tuple[int, int, int, int]]] = {}
    for row in run(path, LIFECYCLE, **given):
        kinds = ("new", "returning", "resurrected", "dormant")
        counts = [row[f"{kind}_count"] for kind in kinds]
        assert row["active_count"] == sum(counts[:3])
        found.setdefault(row["segment"], []).append(tuple(counts))
    return found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"all": [(2, 0, 0, 0), (0, 1, 0, 1), (0, 0, 1, 1), (1, 0, 1, 1)]}),
        # By images alone ann is away in February and March.
        ({"feature": "image"}, {"all": [(2, 0, 0, 0), (0, 0, 0, 2), (0, 0, 1, 0), (0, 0, 1, 1)]}),
        ({"feature": "chat"}, {"all": [(1, 0, 0, 0), (1, 0, 0, 1), (0, 0, 0, 1), (1, 0, 0, 0)]}),
        ({"breakdown": "product"},
         {"pro": [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1), (1, 0, 1, 0)],
          "starter": [(1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0), (0, 0, 0, 1)]}),
        ({"breakdown": "product", "top": "1", "since": "2026-04-30"},
         {"pro": [(1, 0, 1, 0)], "(other)": [(0, 0, 0, 1)]}),
        ({"grain": "quarter"}, {"all": [(2, 0, 0, 0), (1, 1, 0, 1)]}),
        ({"grain": "year"}, {"all": [(3, 0, 0, 0)]}),
        ({"grain": "week", "until": "2026-01-12"}, {"all": [(2, 0, 0, 0), (0, 0, 0, 2)]}),
    ],
)  # fmt: skip
def test_hand_computed_lifecycle(
    small: Path, given: dict[str, str], expected: dict[str, list[tuple[int, int, int, int]]]
) -> None:
    assert lifecycle(small, **given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # January: ann on two days of 31, bea on one; February: ann on one of 28; no one else.
        ({"until": "2026-02-01"},
         [("2026-01-01", 2, 31, 3, 3 / 2, 3 / 62), ("2026-02-01", 1, 28, 1, 1.0, 1 / 28)]),
        # April has had ten days.
        ({"since": "2026-04-01"}, [("2026-04-01", 2, 10, 2, 1.0, 1 / 10)]),
        ({"feature": "chat", "until": "2026-01-01"}, [("2026-01-01", 1, 31, 1, 1.0, 1 / 31)]),
        ({"grain": "week", "until": "2026-01-12"},
         [("2026-01-05", 2, 7, 3, 3 / 2, 3 / 14), ("2026-01-12", 0, 7, 0, None, None)]),
    ],
)  # fmt: skip
def test_hand_computed_stickiness(
    small: Path, given: dict[str, str], expected: list[tuple[Any, ...]]
) -> None:
    rows = run(small, STICKINESS, **given)
    names = ("active_count", "day_count", "user_day_count", "days_per_user", "stickiness")
    assert [(str(row["period"]), *(row[name] for name in names)) for row in rows] == [
        (*row[:4], *(value if value is None else pytest.approx(value) for value in row[4:]))
        for row in expected
    ]


def test_what_means_nothing_is_refused(small: Path) -> None:
    with pytest.raises(UsageError, match="nothing is split"):
        run(small, LIFECYCLE, top="2")


def draw_options(rng: random.Random) -> dict[str, str]:
    given = {
        "grain": rng.choice(["week", "week", "two_weeks", "month", "quarter", "year"]),
        "feature": rng.choice(["any", "any", "chat"]),
        "breakdown": rng.choice(["none", "product", "acquisition", "segment:mine"]),
    }
    if given["breakdown"] != "none" and rng.random() < 0.3:
        given["top"] = "1"
    given |= rng.choice([{}, {}, {"only": "mine"}, {"without": "mine"}])
    day = date(2025, 11, 15) + timedelta(days=rng.randrange(120))
    if rng.random() < 0.4:
        given["since"] = day.isoformat()
    if rng.random() < 0.3:
        given["until"] = (day + timedelta(days=40)).isoformat()
    return given


def expect(
    users: list[User], as_of: datetime, zone: str, week_start: int, given: dict[str, str]
) -> dict[tuple[str, date], tuple[Any, ...]]:
    """Active, new, returning, resurrected, dormant, days, user-days and is_complete."""
    tz, grain = ZoneInfo(zone), given["grain"]

    def local(moment: datetime) -> date:
        return moment.astimezone(tz).date()

    def first_day(day: date) -> date:
        return trunc(day, grain, week_start)

    today, ended_on = local(as_of), local(as_of + timedelta(microseconds=1))
    people: list[tuple[str, set[date]]] = []
    for user in users:
        events = [event for event in user.activity if event[0] <= as_of]
        # Who has not signed up yet is no user.
        if not events or user.signed_up_at > as_of:
            continue
        if ("only" in given and not is_mine(user)) or ("without" in given and is_mine(user)):
            continue
        match given["breakdown"]:
            case "none":
                segment = "all"
            case "segment:mine":
                segment = "in mine" if is_mine(user) else "not in mine"
            case name:
                segment = getattr(user, name) or "(none)"
        days = {local(moment) for moment, feature in events if given["feature"] in ("any", feature)}
        people.append((segment, days))
    if "top" in given and people:
        sizes = Counter(segment for segment, _ in people)
        best = sorted(sizes, key=lambda name: (-sizes[name], name))[0]
        people = [(name if name == best else "(other)", days) for name, days in people]
    every = [day for _, days in people for day in days]
    found: dict[tuple[str, date], tuple[Any, ...]] = {}
    for segment in {segment for segment, days in people if days}:
        period = first_day(min(every))
        while period <= today:
            following, before = add(period, 1, grain), add(period, -1, grain)
            kinds = Counter[str]()
            user_days = 0
            for name, days in people:
                if name != segment:
                    continue
                now = sum(period <= day < following for day in days)
                was = any(before <= day < period for day in days)
                user_days += now
                if now:
                    earlier = any(day < period for day in days)
                    kinds["returning" if was else "resurrected" if earlier else "new"] += 1
                elif was:
                    kinds["dormant"] += 1
            is_asked = (
                "since" not in given or period >= first_day(date.fromisoformat(given["since"]))
            ) and ("until" not in given or period <= first_day(date.fromisoformat(given["until"])))
            if is_asked:
                parts = [kinds[kind] for kind in ("new", "returning", "resurrected", "dormant")]
                day_count = (min(following, today + timedelta(days=1)) - period).days
                found[segment, period] = (
                    sum(parts[:3]), *parts, day_count, user_days, following <= ended_on
                )  # fmt: skip
            period = following
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_combinations_equal_the_brute_force(
    zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_segment(tmp_path)
    monkeypatch.chdir(tmp_path)
    rng = random.Random(zone)
    count = number = 0
    while count < 200:
        number += 1
        users, as_of = random_users(rng)
        week_start = rng.choice([0, 2, 6])
        path = tmp_path / f"{number}.duckdb"
        write_warehouse(path, users, as_of, zone, date(1, 1, 1 + week_start))
        with OpenWarehouse(path) as opened:
            for _ in range(8):
                given = draw_options(rng)
                states, use = (
                    {
                        (row["segment"], row["period"]): row
                        for row in run_query(opened, query, given).frame.to_dicts()
                    }
                    for query in (LIFECYCLE, STICKINESS)
                )
                expected = expect(users, as_of, zone, week_start, given)
                names = ("active", "new", "returning", "resurrected", "dormant")
                assert {
                    place: (
                        *(row[f"{name}_count"] for name in names),
                        use[place]["day_count"], use[place]["user_day_count"], row["is_complete"],
                    )
                    for place, row in states.items()
                } == expected, given  # fmt: skip
                assert use.keys() == states.keys()
                for place, row in use.items():
                    assert row["active_count"] == expected[place][0]
                    if row["active_count"]:
                        share = row["user_day_count"] / row["active_count"] / row["day_count"]
                        assert row["stickiness"] == pytest.approx(share)
                count += len(states)
