"""What cohorts paid and used, against hand computation, a brute force and a published log."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.measure_oracle import REVENUE, Person, draw_options, draw_people, expect, write
from tests.support.periods import ZONES
from tests.support.warehouses import write_segment

USAGE = load_query("retention/cohort_usage")


def run(path: Path, query: Any, **given: str) -> list[dict[str, Any]]:
    with OpenWarehouse(path) as opened:
        return run_query(opened, query, given).frame.to_dicts()


JANUARY, FEBRUARY, MARCH = date(2026, 1, 10), date(2026, 2, 10), date(2026, 3, 10)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Ann and bea signed up in January; gus, who has no account, paid first in February."""
    return write(
        tmp_path / "w.duckdb",
        [
            Person(
                "ann", JANUARY, JANUARY, JANUARY, FEBRUARY,
                [(JANUARY, "usd", 4900, 0, 0), (FEBRUARY, "usd", 9900, 0, 0),
                 (FEBRUARY, "usd", 0, 4900, 0), (MARCH, "usd", 9900, 0, 0)],
                [JANUARY, JANUARY, MARCH],
                [(JANUARY, "granted", 100), (JANUARY, "used", -30), (FEBRUARY, "used", -20)],
            ),
            Person("bea", JANUARY, FEBRUARY, activity=[FEBRUARY], acquisition="freebie"),
            Person("gus", first_paid_on=FEBRUARY, money=[
                (FEBRUARY, "gbp", 2000, 0, 0), (MARCH, "gbp", 0, 0, 500),
            ]),
        ],
        datetime(2026, 3, 15, tzinfo=UTC),
    )  # fmt: skip


def revenue_cells(path: Path, **given: str) -> dict[tuple[str, str, int], tuple[Any, ...]]:
    return {
        (row["currency"], str(row["cohort_period"] or "mean")[:7], row["period_index"]): (
            row["cohort_size"], row["payer_count"], row["payment_count"], row["net_cents"],
            row["cumulative_net_cents"], row["cumulative_net_cents_per_person"],
            row["is_complete"],
        )
        for row in run(path, REVENUE, **given)
    }  # fmt: skip


def test_hand_computed_revenue_by_first_payment(small: Path) -> None:
    cells = revenue_cells(small)
    assert {key: cell for key, cell in cells.items() if key[0] == "usd"} == {
        ("usd", "2026-01", 0): (1, 1, 1, 4900, 4900, 4900, True),
        # 99.00 less the refund of January's 49.00, which counts when it was given back.
        ("usd", "2026-01", 1): (1, 1, 1, 5000, 9900, 9900, True),
        ("usd", "2026-01", 2): (1, 1, 1, 9900, 19800, 19800, False),
        ("usd", "2026-02", 0): (1, 0, 0, 0, 0, 0, True),
        ("usd", "2026-02", 1): (1, 0, 0, 0, 0, 0, False),
        ("usd", "2026-03", 0): (0, 0, 0, 0, 0, None, False),
        ("usd", "mean", 0): (2, 1, 1, 4900, 4900, 2450, True),
        ("usd", "mean", 1): (1, 1, 1, 5000, 9900, 9900, True),
    }
    assert cells["gbp", "2026-02", 0] == (1, 1, 1, 2000, 2000, 2000, True)
    assert cells["gbp", "2026-02", 1] == (1, 0, 0, -500, 1500, 1500, False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # By head of both who signed up, of whom bea never paid.
        ({"start": "signup"}, {("usd", "2026-01", 1): (2, 1, 1, 5000, 9900, 4950, True)}),
        # What ann paid before the month of the first membership is left out.
        ({"start": "first_subscription"},
         {("usd", "2026-02", 0): (1, 1, 1, 5000, 5000, 5000, True),
          ("usd", "2026-02", 1): (1, 1, 1, 9900, 14900, 14900, False)}),
        ({"start": "first_activity", "periods": "1"},
         {("usd", "2026-01", 0): (1, 1, 1, 4900, 4900, 4900, True)}),
        ({"grain": "quarter"},
         {("usd", "2026-01", 0): (2, 1, 3, 19800, 19800, 9900, False),
          ("gbp", "2026-01", 0): (2, 1, 1, 1500, 1500, 750, False)}),
        ({"grain": "year"}, {("usd", "2026-01", 0): (2, 1, 3, 19800, 19800, 9900, False)}),
    ],
)  # fmt: skip
def test_hand_computed_revenue_options(
    small: Path, given: dict[str, str], expected: dict[tuple[str, str, int], tuple[Any, ...]]
) -> None:
    assert expected.items() <= revenue_cells(small, **given).items()


def usage_cells(path: Path, **given: str) -> dict[tuple[str, str, int], tuple[Any, ...]]:
    return {
        (row["segment"], str(row["cohort_period"] or "mean")[:7], row["period_index"]): (
            row["cohort_size"], row["active_count"], row["event_count"], row["used_credits"],
            row["cumulative_used_credits"], row["used_credits_per_person"], row["is_complete"],
        )
        for row in run(path, USAGE, **given)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"until": "2026-01-01"},
         {("all", "2026-01", 0): (2, 1, 2, 30, 30, 15.0, True),
          ("all", "2026-01", 1): (2, 1, 1, 20, 50, 10.0, True),
          ("all", "2026-01", 2): (2, 1, 1, 0, 50, 0.0, False),
          ("all", "mean", 0): (2, 1, 2, 30, 30, 15.0, True),
          ("all", "mean", 1): (2, 1, 1, 20, 50, 10.0, True)}),
        ({"until": "2026-01-01", "periods": "1", "breakdown": "acquisition"},
         {("direct", "2026-01", 0): (1, 1, 2, 30, 30, 30.0, True),
          ("freebie", "2026-01", 0): (1, 0, 0, 0, 0, 0.0, True),
          ("direct", "mean", 0): (1, 1, 2, 30, 30, 30.0, True),
          ("freebie", "mean", 0): (1, 0, 0, 0, 0, 0.0, True)}),
        ({"start": "first_subscription", "until": "2026-02-01"},
         {("all", "2026-02", 0): (1, 0, 0, 20, 20, 20.0, True),
          ("all", "2026-02", 1): (1, 1, 1, 0, 20, 0.0, False),
          ("all", "mean", 0): (1, 0, 0, 20, 20, 20.0, True)}),
    ],
)  # fmt: skip
def test_hand_computed_usage(
    small: Path, given: dict[str, str], expected: dict[tuple[str, str, int], tuple[Any, ...]]
) -> None:
    assert usage_cells(small, **given) == expected


@pytest.mark.parametrize("query", [REVENUE, USAGE])
def test_what_means_nothing_is_refused(small: Path, query: Any) -> None:
    with pytest.raises(UsageError, match="nothing is split"):
        run(small, query, top="2")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("query", [REVENUE, USAGE], ids=["revenue", "usage"])
def test_combinations_equal_the_brute_force(
    zone: str, query: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_segment(tmp_path)
    monkeypatch.chdir(tmp_path)
    rng = random.Random(zone + query.name)
    columns = (
        ("payer_count", "payment_count", "net_cents", "cumulative_net_cents")
        if query is REVENUE
        else ("active_count", "event_count", "used_credits", "cumulative_used_credits")
    )
    count = number = 0
    while count < 1_250:
        number += 1
        path = tmp_path / f"{number}.duckdb"
        as_of = datetime(2026, 4, 25, tzinfo=UTC) + timedelta(hours=rng.randrange(300))
        week_start = rng.choice([0, 3, 6])
        # The days of build_info are what the zone makes of the instant.
        with OpenWarehouse(write(path, [], as_of, zone, week_start)) as opened:
            today, ended_on = opened.connection.execute(
                "select as_of_on, complete_until_on from marts.build_info"
            ).fetchall()[0]
        path.unlink()
        people = draw_people(rng, today)
        with OpenWarehouse(write(path, people, as_of, zone, week_start)) as opened:
            for _ in range(12):
                given = draw_options(rng, today)
                rows = run_query(opened, query, given).frame.to_dicts()
                found = {
                    (row["segment"], row.get("currency", ""), row["cohort_period"],
                     row["period_index"]): (
                        row["cohort_size"], *(row[column] for column in columns),
                        row["is_complete"], row["is_mean"] or row["is_in_mean"],
                    )
                    for row in rows
                }  # fmt: skip
                assert len(found) == len(rows)
                assert found == expect(people, today, ended_on, week_start, query, given), given
                check_per_person(rows)
                count += len(rows)


def check_per_person(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        size = row["cohort_size"]
        if "net_cents" in row:
            share = row["cumulative_net_cents_per_person"]
            assert (
                share is None
                if not size
                else abs(share - row["cumulative_net_cents"] / size) <= 0.5
            )
        else:
            share = row["used_credits_per_person"]
            assert share == (pytest.approx(row["used_credits"] / size) if size else None)
