"""Activity cohorts against hand computation and against a brute force in plain Python."""

import math
import random
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.warehouses import User, write_warehouse

FEATURES = ("image", "chat", "training")
STARTS = ("signup", "first_payment", "first_subscription", "first_activity")
QUERY = load_query("retention/activity_cohorts")


def run(path: Path, **given: str) -> list[dict[str, Any]]:
    with OpenWarehouse(path) as opened:
        return run_query(opened, QUERY, given).frame.to_dicts()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Three users, January to the middle of March 2026."""
    users = [
        User("ada", at("2026-01-20T12:00"), [
            # Before the start's instant, in the start's month: counts in period 0.
            (at("2026-01-02T00:00"), "image"), (at("2026-02-10T10:00"), "chat"),
        ]),
        User("bo", at("2026-01-31T23:30"), [(at("2026-03-02T08:00"), "image")]),
        User("cy", at("2026-03-01T00:00"), []),
    ]  # fmt: skip
    return write_warehouse(tmp_path / "w.duckdb", users, as_of=at("2026-03-15T12:00"))


def test_hand_computed_months(small: Path) -> None:
    rows = run(small)
    cells = {
        (row["cohort_period"].isoformat()[:7], row["period_index"]): (
            row["cohort_size"],
            row["at_risk_count"],
            row["retained_count"],
            row["is_complete"],
        )
        for row in rows
    }
    assert cells == {
        ("2026-01", 0): (2, 2, 1, True),
        ("2026-01", 1): (2, 2, 1, True),
        ("2026-01", 2): (2, 2, 1, False),
        # February has no starts: a row of zeros, dense.
        ("2026-02", 0): (0, 0, 0, True),
        ("2026-02", 1): (0, 0, 0, False),
        ("2026-02", 2): (0, None, None, False),
        ("2026-03", 0): (1, 1, 0, False),
        ("2026-03", 1): (1, None, None, False),
        ("2026-03", 2): (1, None, None, False),
    }


def test_hand_computed_interval(small: Path) -> None:
    # Wilson for 1 of 2 at 95 %: 0.5 ± z·sqrt(1/8 + z²/16)/(1 + z²/2) = 0.0945, 0.9055.
    row = run(small)[0]
    assert row["retention_rate"] == 0.5
    assert row["low"] == pytest.approx(0.0945, abs=5e-5)
    assert row["high"] == pytest.approx(0.9055, abs=5e-5)


def test_the_reporting_zone_moves_a_start_into_the_next_month(tmp_path: Path) -> None:
    users = [User("bo", at("2026-01-31T23:30"), [])]
    path = write_warehouse(tmp_path / "w.duckdb", users, at("2026-02-05T00:00"), "Europe/Oslo")
    assert run(path)[0]["cohort_period"] == date(2026, 2, 1)


def test_the_last_microsecond_of_a_month_ends_it(tmp_path: Path) -> None:
    users = [User("bo", at("2026-01-05T00:00"), [])]
    end = at("2026-02-01T00:00") - timedelta(microseconds=1)
    assert run(write_warehouse(tmp_path / "a.duckdb", users, end))[0]["is_complete"]
    before = end - timedelta(microseconds=1)
    assert not run(write_warehouse(tmp_path / "b.duckdb", users, before))[0]["is_complete"]


def test_on_or_after_is_non_increasing(small: Path) -> None:
    january = [row["retained_count"] for row in run(small, mode="on_or_after")[:3]]
    assert january == [2, 2, 1]


def test_equal_brackets_count_once(small: Path) -> None:
    rows = run(small, mode="bracket", brackets="1-2,0-0,01-2")[:2]
    assert [(row["period_label"], row["retained_count"]) for row in rows] == [("0", 1), ("1-2", 2)]


def test_since_and_until_take_whole_cohorts_of_the_dense_run(small: Path) -> None:
    # Nobody started in February: it is there with zeros, and nothing is before January.
    for since, until, months in (
        ("2026-02-28", None, ["2026-02", "2026-03"]),
        (None, "2026-02-01", ["2026-01", "2026-02"]),
        ("2026-02-01", "2026-02-01", ["2026-02"]),
        ("2020-05-05", "2025-12-31", []),
        ("2026-04-01", "2027-01-01", []),
    ):
        given = {"since": since, "until": until}
        rows = run(small, **{name: day for name, day in given.items() if day})
        expected = [row for row in run(small) if f"{row['cohort_period']:%Y-%m}" in months]
        assert rows == expected, given


def trunc(day: date, grain: str) -> date:
    if grain == "day":
        return day
    return day - timedelta(days=day.weekday()) if grain == "week" else day.replace(day=1)


def add(period: date, count: int, grain: str) -> date:
    if grain == "month":
        months = period.year * 12 + period.month - 1 + count
        return date(months // 12, months % 12 + 1, 1)
    return period + timedelta(days=count * (7 if grain == "week" else 1))


def brute_force(
    users: list[User], as_of: datetime, zone: str, grain: str, mode: str, start: str,
    feature: str, breakdown: str, brackets: str, since: date | None, until: date | None,
) -> dict[tuple[str, date, int], tuple[int, int | None, int | None, bool]]:  # fmt: skip
    """Cell by cell, as METRICS §4 reads, with sets and loops."""
    tz = ZoneInfo(zone)

    def local(moment: datetime) -> date:
        return moment.astimezone(tz).date()

    today = local(as_of)
    ended_on = local(as_of + timedelta(microseconds=1))
    members: dict[tuple[str, date], list[User]] = {}
    for user in users:
        moment = user.start(start)
        if moment is None or moment > as_of or user.signed_up_at > as_of:
            continue
        segment = "all" if breakdown == "none" else getattr(user, breakdown) or "(none)"
        members.setdefault((segment, trunc(local(moment), grain)), []).append(user)
    if not members:
        return {}
    first = min(period for _, period in members)
    if mode == "bracket":
        pairs = [part.split("-") for part in brackets.split(",")]
        spans = [(int(pair[0]), int(pair[-1])) for pair in pairs]
    else:
        spans = []
        while add(first, len(spans), grain) <= today:
            spans.append((len(spans), len(spans)))
    cells = {}
    for segment in {segment for segment, _ in members}:
        cohort = first
        while cohort <= today:
            group = members.get((segment, cohort), [])
            for low, high in spans:
                begun = add(cohort, low, grain) <= today
                window_end = date.max if mode == "on_or_after" else add(cohort, high + 1, grain)
                retained = sum(
                    any(
                        moment <= as_of
                        and add(cohort, low, grain) <= local(moment) < window_end
                        and feature in ("any", name)
                        for moment, name in user.activity
                    )
                    for user in group
                )
                cells[segment, cohort, low] = (
                    len(group),
                    len(group) if begun else None,
                    retained if begun else None,
                    add(cohort, high + 1, grain) <= ended_on,
                )
            cohort = add(cohort, 1, grain)
    return {
        key: cell
        for key, cell in cells.items()
        if (since is None or key[1] >= trunc(since, grain))
        and (until is None or key[1] <= trunc(until, grain))
    }


def random_users(seed: int) -> tuple[list[User], datetime]:
    rng = random.Random(seed)
    origin = at("2025-11-20T00:00")
    days = rng.choice([40, 75, 100])
    as_of = origin + timedelta(days=days, seconds=rng.choice([0, -1e-6, 43_211]))

    def moment() -> datetime:
        # Some instants fall after as_of: they do not exist yet.
        return origin + timedelta(seconds=rng.randrange(int((days + 5) * 86_400)))

    users = []
    for number in range(rng.randrange(1, 30)):
        payment = moment() if rng.random() < 0.6 else None
        users.append(
            User(
                f"u{number}",
                moment(),
                [(moment(), rng.choice(FEATURES)) for _ in range(rng.randrange(0, 9))],
                first_payment_at=payment,
                first_subscription_at=payment if rng.random() < 0.5 else None,
                product=rng.choice(["pro", "starter", None]),
                first_product=rng.choice(["pro", "one_time_session", None]),
                acquisition=rng.choice(["freebie", "direct"]),
                brand_style=rng.choice(["minimal", None]),
            )
        )
    return users, as_of


@pytest.mark.parametrize("seed", range(4))
def test_every_combination_equals_the_brute_force(seed: int, tmp_path: Path) -> None:
    users, as_of = random_users(seed)
    zone = ("UTC", "Europe/Oslo", "America/Los_Angeles", "Pacific/Auckland")[seed]
    path = write_warehouse(tmp_path / "w.duckdb", users, as_of, zone)
    rng = random.Random(seed)
    with OpenWarehouse(path) as opened:
        for grain, mode, start, feature in product(
            ("day", "week", "month"), ("on", "on_or_after", "bracket"), STARTS, ("any", "chat")
        ):
            breakdown = rng.choice(
                ["none", "product", "first_product", "acquisition", "brand_style"]
            )
            brackets = rng.choice(["0,1-3,4-7", "1-2,3-30", "0-4"])
            # Days before the first start, in the middle, and after as_of.
            day = date(2025, 11, 1) + timedelta(days=rng.randrange(130))
            since, until = rng.choice(
                [(None, None), (day, None), (None, day), (day, day + timedelta(days=20))]
            )
            given = {
                "grain": grain, "mode": mode, "start": start, "return": feature,
                "breakdown": breakdown,
            }  # fmt: skip
            given |= {"brackets": brackets} if mode == "bracket" else {}
            given |= {"since": since.isoformat()} if since else {}
            given |= {"until": until.isoformat()} if until else {}
            frame = run_query(opened, QUERY, given).frame
            cells = {
                (row["segment"], row["cohort_period"], row["period_index"]): (
                    row["cohort_size"],
                    row["at_risk_count"],
                    row["retained_count"],
                    row["is_complete"],
                )
                for row in frame.iter_rows(named=True)
            }
            assert len(cells) == frame.height
            expected = brute_force(
                users, as_of, zone, grain, mode, start, feature, breakdown, brackets, since, until
            )
            assert cells == expected, given
            for row in frame.iter_rows(named=True):
                check_interval(row)


def check_interval(row: dict[str, Any]) -> None:
    n, x = row["at_risk_count"], row["retained_count"]
    if not n:
        assert row["retention_rate"] is None and row["low"] is None and row["high"] is None
        return
    assert row["retention_rate"] == pytest.approx(x / n)
    # The ends are the roots p of (x/n - p)^2 = z^2 p (1 - p) / n.
    z = 1.959963984540054
    for p in (row["low"], row["high"]):
        assert math.isclose((x / n - p) ** 2, z * z * p * (1 - p) / n, abs_tol=1e-12)
    assert row["low"] <= x / n <= row["high"]
