"""Curves of fixed cohorts against a count over the users, one by one."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sselfie_insights.query import OpenWarehouse, load_library, run_query
from tests.support.pages import suppress_alone
from tests.support.warehouses import User, write_warehouse

AS_OF = datetime(2026, 3, 15, 12, tzinfo=UTC)
# A full month is one that is over: February 2026 is the last.
LAST_COMPLETE = 2026 * 12 + 2
RETURNS = ("any", "image", "photoshoot", "video", "training", "chat", "feed", "academy", "brand",
           "feedback")  # fmt: skip
STARTS = ("signup", "first_payment", "first_subscription")
BREAKDOWNS = ("none", "product", "first_product", "acquisition", "brand_style")

Row = dict[str, Any]


def month_of(moment: datetime) -> int:
    return moment.year * 12 + moment.month


@pytest.fixture(scope="module")
def users() -> list[User]:
    draw = random.Random(11)
    users = []
    for number in range(150):
        signed_up_at = AS_OF - timedelta(days=draw.uniform(1, 600))
        days = sorted(draw.uniform(0, 500) for _ in range(draw.randrange(25)))
        activity = [
            (signed_up_at + timedelta(days=day), draw.choice(RETURNS[1:]))
            for day in days
            if signed_up_at + timedelta(days=day) <= AS_OF
        ]
        paid_at = signed_up_at + timedelta(days=draw.uniform(0, 90))
        has_paid, is_member = paid_at <= AS_OF and draw.random() < 0.6, draw.random() < 0.7
        users.append(
            User(
                f"u{number}", signed_up_at, activity,
                first_payment_at=paid_at if has_paid else None,
                first_subscription_at=paid_at if has_paid and is_member else None,
                product=draw.choice(["pro", "starter", None]),
                first_product=draw.choice(["pro", "credit_topup"]),
                acquisition=draw.choice(["direct", "direct", "freebie", "waitlist"]),
                brand_style=draw.choice(["bold", "warm", None]),
            )
        )  # fmt: skip
    return users


@pytest.fixture(scope="module")
def warehouse(users: list[User], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_warehouse(tmp_path_factory.mktemp("w") / "w.duckdb", users, AS_OF)


def count(users: list[User]) -> dict[tuple[Any, ...], tuple[int, int]]:
    """By slice, segment and month: people, and those who came back."""
    cells: dict[tuple[Any, ...], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for horizon in (3, 6, 12):
        for start in STARTS:
            for user in users:
                began = user.start(start)
                if began is None or month_of(began) + horizon > LAST_COMPLETE:
                    continue
                for what in RETURNS:
                    months = {month_of(at) for at, name in user.activity if what in ("any", name)}
                    for breakdown in BREAKDOWNS:
                        value = None if breakdown == "none" else getattr(user, breakdown)
                        segment = "all" if breakdown == "none" else value or "(none)"
                        for month in range(1, horizon + 1):
                            key = (horizon, start, what, breakdown, segment, month)
                            n, k = cells[key]
                            cells[key] = n + 1, k + (month_of(began) + month in months)
    return dict(cells)


def read(warehouse: Path, **given: str) -> list[Row]:
    with OpenWarehouse(warehouse) as opened:
        query = load_library()["retention/fixed_cohorts"]
        return run_query(opened, query, given).frame.to_dicts()


def test_every_slice_is_what_counting_users_gives(users: list[User], warehouse: Path) -> None:
    found = {
        tuple(row[name] for name in ("horizon", "start", "return", "breakdown", "segment",
                                     "period_index")): (row["person_count"], row["retained_count"])
        for row in read(warehouse)
    }  # fmt: skip
    assert len(found) > 7_000
    assert found == count(users)


def test_a_slice_alone_is_that_of_all_of_them(warehouse: Path) -> None:
    given = {"horizon": "6", "start": "signup", "return": "chat", "breakdown": "product"}
    everything = read(warehouse)
    alone = [row for row in everything if all(str(row[n]) == v for n, v in given.items())]
    assert alone and read(warehouse, **given) == alone


def test_nobody_is_known_from_two_horizons(users: list[User], warehouse: Path) -> None:
    with OpenWarehouse(warehouse) as opened:
        result = run_query(opened, load_library()["retention/fixed_cohorts"])
        rows = suppress_alone(result).frame.to_dicts()
    sizes: dict[tuple[str, ...], dict[int, int]] = defaultdict(dict)
    hidden = 0
    for row in rows:
        hidden += row["person_count"] is None
        if row["person_count"] is not None:
            key = (row["start"], row["breakdown"], row["segment"])
            sizes[key][row["horizon"]] = row["person_count"]
        assert (row["person_count"] is None) == (row["retained_count"] is None)
    assert hidden and all(size >= 5 for by in sizes.values() for size in by.values())
    # Nested groups that are both shown have the same people, or five more.
    apart = [by[short] - by[long] for by in sizes.values() for short in by for long in by
             if short < long]  # fmt: skip
    assert apart and not [difference for difference in apart if 0 < difference < 5]
