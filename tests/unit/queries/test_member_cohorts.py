"""Subscriber and revenue cohorts against hand computation and a brute force in plain Python."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.member_oracle import (
    Book,
    Customer,
    Spell,
    at,
    draw_book,
    draw_options,
    expect_revenue,
    expect_subscribers,
    write_book,
)
from tests.support.periods import ZONES
from tests.support.warehouses import write_segment


def run(path: Path, name: str, **given: str) -> list[dict[str, Any]]:
    with OpenWarehouse(path) as opened:
        return run_query(opened, load_query(f"retention/{name}"), given).frame.to_dicts()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Four members, January to the middle of April 2026.

    ann stays and pays twice as much from March on; bea leaves in February and is back in April;
    cat joins and leaves within January; dot joins in March and pays in pounds.
    """
    april = at("2026-04-15T12:00")
    far = at("2027-01-01T00:00")
    return write_book(tmp_path / "w.duckdb", Book([
        Customer("ann", [
            Spell(at("2026-01-05T00:00"), at("2026-03-10T00:00")),
            Spell(at("2026-03-10T00:00"), far, 2000),
        ]),
        Customer("bea", [
            Spell(at("2026-01-20T00:00"), at("2026-02-20T00:00")),
            Spell(at("2026-04-01T00:00"), far),
        ]),
        Customer("cat", [Spell(at("2026-01-02T00:00"), at("2026-01-30T00:00"))]),
        Customer("dot", [Spell(at("2026-03-31T23:59"), far, 3000, "gbp")]),
    ], april))  # fmt: skip


def named(row: dict[str, Any]) -> tuple[str, int]:
    return str(row["cohort_period"] or "mean")[:7], row["period_index"]


def test_hand_computed_subscribers(small: Path) -> None:
    cells = {
        named(row): (row["cohort_size"], row["retained_count"], row["is_complete"])
        for row in run(small, "subscriber_cohorts")
    }
    assert cells == {
        ("2026-01", 0): (3, 2, True),  # cat has no MRR at the end of January
        ("2026-01", 1): (3, 1, True),
        ("2026-01", 2): (3, 1, True),
        ("2026-01", 3): (3, 2, False),  # bea is back, as of April 15
        ("2026-02", 0): (0, 0, True),
        ("2026-02", 1): (0, 0, True),
        ("2026-02", 2): (0, 0, False),
        ("2026-03", 0): (1, 1, True),
        ("2026-03", 1): (1, 1, False),
        ("2026-04", 0): (0, 0, False),
        ("mean", 0): (4, 3, True),
        ("mean", 1): (3, 1, True),
        ("mean", 2): (3, 1, True),
    }


def test_hand_computed_revenue(small: Path) -> None:
    cells = {
        (row["currency"], *named(row)): (
            row["cohort_size"], row["first_mrr_cents"], row["mrr_cents"],
            row["revenue_retention_rate"], row["previous_rate"], row["is_complete"],
        )
        for row in run(small, "revenue_cohorts")
        if row["cohort_size"]
    }  # fmt: skip
    assert cells == {
        ("usd", "2026-01", 0): (3, 2000, 2000, 1.0, None, True),
        ("usd", "2026-01", 1): (3, 2000, 1000, 0.5, 0.5, True),
        ("usd", "2026-01", 2): (3, 2000, 2000, 1.0, 2.0, True),
        ("usd", "2026-01", 3): (3, 2000, 3000, 1.5, 1.5, False),
        ("gbp", "2026-03", 0): (1, 3000, 3000, 1.0, None, True),
        ("gbp", "2026-03", 1): (1, 3000, 3000, 1.0, 1.0, False),
        ("usd", "mean", 0): (3, 2000, 2000, 1.0, None, True),
        ("usd", "mean", 1): (3, 2000, 1000, 0.5, None, True),
        ("usd", "mean", 2): (3, 2000, 2000, 1.0, None, True),
        ("gbp", "mean", 0): (1, 3000, 3000, 1.0, None, True),
    }


@pytest.mark.parametrize(
    ("given", "january"),
    [
        # bea, who is back in April, counts in every month before; cat never.
        ({"mode": "on_or_after"}, [2, 2, 2, 2]),
        ({"mode": "on_or_after", "periods": "2"}, [2, 2]),
        ({"mode": "bracket", "brackets": "0,1-2,1-3"}, [2, 1, 2]),
        ({"mode": "bracket", "brackets": "2-3"}, [2]),
        ({"periods": "3"}, [2, 1, 1]),
        ({"periods": "1"}, [2]),
        ({"since": "2026-01-31", "until": "2026-01-31"}, [2, 1, 1, 2]),
    ],
)
def test_hand_computed_modes(small: Path, given: dict[str, str], january: list[int]) -> None:
    rows = run(small, "subscriber_cohorts", **given)
    assert [
        row["retained_count"] for row in rows if row["cohort_period"] == date(2026, 1, 1)
    ] == january


@pytest.mark.parametrize(
    ("grain", "cells"),
    [
        # Of the first quarter four joined; at its end, in March, ann and dot are there.
        ("quarter", {("2026-01", 0): (4, 2), ("2026-01", 1): (4, 3), ("2026-04", 0): (0, 0),
                     ("mean", 0): (4, 2)}),
        ("year", {("2026-01", 0): (4, 3)}),
        ("month", {("2026-03", 1): (1, 1)}),
    ],
)  # fmt: skip
def test_hand_computed_grains(
    small: Path, grain: str, cells: dict[tuple[str, int], tuple[int, int]]
) -> None:
    found = {
        named(row): (row["cohort_size"], row["retained_count"])
        for row in run(small, "subscriber_cohorts", grain=grain)
    }
    assert cells.items() <= found.items() if grain == "month" else cells == found


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("subscriber_cohorts", {"top": "3"}, "nothing is split"),
        ("revenue_cohorts", {"top": "3"}, "nothing is split"),
        ("subscriber_cohorts", {"mode": "bracket", "periods": "3"}, "the brackets say which"),
        ("subscriber_cohorts", {"brackets": "1-2"}, "needs mode=bracket"),
    ],
)
def test_what_means_nothing_is_refused_with_the_reason(
    small: Path, name: str, given: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(small, name, **given)


@pytest.mark.parametrize("zone", ZONES)
def test_combinations_equal_the_brute_force(
    zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_segment(tmp_path)
    monkeypatch.chdir(tmp_path)
    rng = random.Random(zone)
    people, money = (
        load_query("retention/subscriber_cohorts"),
        load_query("retention/revenue_cohorts"),
    )
    counts = {people.name: 0, money.name: 0}
    number = 0
    while sum(counts.values()) < 2_500:
        number += 1
        book = draw_book(rng, zone)
        with OpenWarehouse(write_book(tmp_path / f"{number}.duckdb", book)) as opened:
            for _ in range(10):
                given = draw_options(rng)
                rows = run_query(opened, money, given).frame.to_dicts()
                found = {
                    (row["segment"], row["currency"], row["cohort_period"], row["period_index"]): (
                        row["cohort_size"], row["first_mrr_cents"], row["mrr_cents"],
                        row["revenue_retention_rate"], row["previous_rate"], row["is_complete"],
                        row["is_mean"] or row["is_in_mean"],
                    )
                    for row in rows
                }  # fmt: skip
                assert len(found) == len(rows)
                assert found == expect_revenue(book, given), given
                counts[money.name] += len(rows)

                given["mode"] = rng.choice(["on", "on_or_after", "bracket"])
                if given["mode"] == "bracket":
                    given.pop("periods", None)
                    given["brackets"] = rng.choice(["0,1-3,4-7", "1-2,3-30", "0-4"])
                rows = run_query(opened, people, given).frame.to_dicts()
                found = {
                    (row["segment"], row["cohort_period"], row["period_index"]): (
                        row["cohort_size"], row["retained_count"], row["is_complete"],
                        row["is_mean"] or row["is_in_mean"],
                    )
                    for row in rows
                }  # fmt: skip
                assert len(found) == len(rows)
                assert all(row["at_risk_count"] == row["cohort_size"] for row in rows)
                assert found == expect_subscribers(book, given), given
                counts[people.name] += len(rows)
