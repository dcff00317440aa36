"""Two ranges of cohorts side by side, and the interval of their difference."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.periods import add, trunc
from tests.support.warehouses import User, write_warehouse
from tests.unit.queries.test_activity_cohorts import random_users
from tests.unit.queries.test_member_cohorts import Book, Customer, Spell, write_book

# Newcombe (1998), Interval estimation for the difference between independent proportions, table
# II, method 10: successes and trials of the first and of the second, and the ends printed.
PRINTED = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0),
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def run(path: Path, name: str = "activity_comparison", **given: str) -> list[dict[str, Any]]:
    with OpenWarehouse(path) as opened:
        return run_query(opened, load_query(f"retention/{name}"), given).frame.to_dicts()


def sign_up(month: int, count: int, returned: int) -> list[User]:
    """Users of a month, the first of whom came back in the next one."""
    return [
        User(
            f"{month}-{number}",
            at(f"2026-0{month}-10T00:00"),
            [(at(f"2026-0{month + 1}-10T00:00"), "image")] if number < returned else [],
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(("x_a", "n_a", "x_b", "n_b", "low", "high"), PRINTED)
def test_the_interval_is_the_printed_one(
    tmp_path: Path, x_a: int, n_a: int, x_b: int, n_b: int, low: float, high: float
) -> None:
    users = sign_up(3, n_a, x_a) + sign_up(1, n_b, x_b)
    path = write_warehouse(tmp_path / "w.duckdb", users, at("2026-05-20T00:00"))
    row = run(path, since="2026-03-01", until="2026-03-31", than_until="2026-01-31")[1]
    assert (row["period_index"], row["at_risk_count"], row["than_at_risk_count"]) == (1, n_a, n_b)
    assert row["difference"] == pytest.approx(x_a / n_a - x_b / n_b)
    assert (row["difference_low"], row["difference_high"]) == (
        pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5),
    )  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Signed up and came back a month later, January to April: 1 of 4, 2 of 4, 3 of 4, 2 of 2."""
    users = sign_up(1, 4, 1) + sign_up(2, 4, 2) + sign_up(3, 4, 3) + sign_up(4, 2, 2)
    return write_warehouse(tmp_path / "w.duckdb", users, at("2026-05-20T00:00"))


@pytest.mark.parametrize(
    ("given", "first", "other"),
    [
        # The last four cohorts, of which April has no complete month 1, and those before.
        ({}, (8, 5), (4, 1)),
        ({"since": "2026-03-15"}, (4, 3), (8, 3)),
        ({"since": "2026-02-01", "until": "2026-02-28"}, (4, 2), (4, 1)),
        ({"since": "2026-03-01", "until": "2026-03-31", "than_until": "2026-01-01"},
         (4, 3), (4, 1)),
        ({"since": "2026-01-01", "until": "2026-01-31", "than_since": "2026-02-01",
          "than_until": "2026-03-31"}, (4, 1), (8, 5)),
        ({"since": "2026-03-01", "than_since": "2025-01-01"}, (4, 3), (8, 3)),
    ],
)  # fmt: skip
def test_hand_computed_ranges(
    small: Path, given: dict[str, str], first: tuple[int, int], other: tuple[int, int]
) -> None:
    row = next(row for row in run(small, **given) if row["period_index"] == 1)
    assert (row["at_risk_count"], row["retained_count"]) == first
    assert (row["than_at_risk_count"], row["than_retained_count"]) == other


def test_a_range_that_has_no_one_has_no_difference(small: Path) -> None:
    row = run(small, since="2026-02-01", until="2026-02-28", than_until="2025-06-01")[1]
    assert (row["retention_rate"], row["than_at_risk_count"]) == (0.5, 0)
    assert row["difference"] is row["difference_low"] is row["difference_high"] is None


def test_ranges_that_share_cohorts_are_refused(small: Path) -> None:
    with pytest.raises(UsageError, match="the two ranges share cohorts"):
        run(small, since="2026-02-01", until="2026-03-31", than_until="2026-02-01")


def test_cells_that_rise_are_not_compared(small: Path) -> None:
    with pytest.raises(UsageError, match="'mode' cannot be 'on_or_after'"):
        run(small, mode="on_or_after")


def test_members_of_two_months(tmp_path: Path) -> None:
    far = at("2027-01-01T00:00")

    def join(month: int, count: int, stayed: int) -> list[Customer]:
        begin = at(f"2026-0{month}-05T00:00")
        return [
            Customer(f"{month}-{n}", [Spell(begin, far if n < stayed else begin + timedelta(31))])
            for n in range(count)
        ]

    book = Book(join(1, 80, 48) + join(3, 70, 56), at("2026-05-20T00:00"))
    path = write_book(tmp_path / "w.duckdb", book)
    row = run(path, "subscriber_comparison", since="2026-03-01", until="2026-03-31",
              than_until="2026-01-31")[1]  # fmt: skip
    assert (row["retained_count"], row["than_retained_count"]) == (56, 48)
    assert (row["difference_low"], row["difference_high"]) == (
        pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5),
    )  # fmt: skip


def test_random_ranges_are_sums_of_the_cells(tmp_path: Path) -> None:
    """What the cells are, test_activity_cohorts proves."""
    rng = random.Random(5)
    checked = 0
    while checked < 150:
        users, as_of = random_users(rng)
        path = write_warehouse(tmp_path / f"{checked}.duckdb", users, as_of)
        for _ in range(3):
            grain = rng.choice(["week", "month"])
            given = {"grain": grain, "breakdown": rng.choice(["none", "acquisition"])}
            first = trunc(as_of.date() - timedelta(days=rng.randrange(20, 60)), grain)
            last = add(first, rng.randrange(3), grain)
            than_last = add(first, -rng.randrange(1, 4), grain)
            than_first = add(than_last, -rng.randrange(3), grain)
            cells = run(path, "activity_cohorts", **given)
            found = run(path, **given, since=str(first), until=str(last),
                        than_since=str(than_first), than_until=str(than_last))  # fmt: skip
            expected: dict[tuple[str, int], list[int]] = {}
            for cell in cells:
                start: date | None = cell["cohort_period"]
                if start is None or not cell["is_in_mean"]:
                    continue
                for place, (begin, end) in ((0, (first, last)), (2, (than_first, than_last))):
                    if begin <= start <= end:
                        key = cell["segment"], cell["period_index"]
                        sums = expected.setdefault(key, [0, 0, 0, 0])
                        sums[place] += cell["at_risk_count"]
                        sums[place + 1] += cell["retained_count"]
            assert {
                (row["segment"], row["period_index"]): [
                    row["at_risk_count"], row["retained_count"],
                    row["than_at_risk_count"], row["than_retained_count"],
                ]
                for row in found
            } == expected  # fmt: skip
            checked += len(found)
