"""Activity cohorts against hand computation and against a brute force in plain Python."""

import math
import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.activity_oracle import at, brute_force, draw_options, random_users
from tests.support.periods import ZONES
from tests.support.warehouses import User, write_segment, write_warehouse

QUERY = load_query("retention/activity_cohorts")


def run(path: Path, **given: str) -> list[dict[str, Any]]:
    with OpenWarehouse(path) as opened:
        return run_query(opened, QUERY, given).frame.to_dicts()


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
        (str(row["cohort_period"] or "mean").removesuffix("-01"), row["period_index"]): (
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
        ("2026-03", 0): (1, 1, 0, False),
        # Over January alone: February is empty, what March is part of still runs.
        ("mean", 0): (2, 2, 1, True),
        ("mean", 1): (2, 2, 1, True),
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


def test_a_week_begins_on_the_weekday_of_the_setting(tmp_path: Path) -> None:
    # Sunday, 4 January 2026, and Saturday, 10 January, are one week from Sunday, two from Monday.
    users = [User("ada", at("2026-01-04T12:00"), [(at("2026-01-10T12:00"), "image")])]
    as_of = at("2026-01-10T18:00")
    for offset, cells in (
        (0, [(date(2025, 12, 29), 0, 0), (date(2025, 12, 29), 1, 1), (date(2026, 1, 5), 0, 0)]),
        (6, [(date(2026, 1, 4), 0, 1)]),
        (5, [(date(2026, 1, 3), 0, 0), (date(2026, 1, 3), 1, 1), (date(2026, 1, 10), 0, 0)]),
    ):
        path = tmp_path / f"{offset}.duckdb"
        write_warehouse(path, users, as_of, first_week_on=date(1, 1, 1 + offset))
        assert [
            (row["cohort_period"], row["period_index"], row["retained_count"])
            for row in run(path, grain="week")
            if not row["is_mean"]
        ] == cells


def test_since_and_until_take_whole_cohorts_of_the_dense_run(small: Path) -> None:
    # Nobody started in February: it is there with zeros, and nothing is before January.
    # The means are those of the cohorts asked for.
    for since, until, months in (
        ("2026-02-28", None, ["2026-02", "2026-03"]),
        (None, "2026-02-01", ["2026-01", "2026-02"]),
        ("2026-02-01", "2026-02-01", ["2026-02"]),
        ("2020-05-05", "2025-12-31", []),
        ("2026-04-01", "2027-01-01", []),
    ):
        given = {"since": since, "until": until}
        rows = run(small, **{name: day for name, day in given.items() if day})
        expected = [row for row in run(small) if str(row["cohort_period"])[:7] in months]
        assert [row for row in rows if not row["is_mean"]] == expected, given


@pytest.mark.parametrize("zone", ZONES)
def test_combinations_equal_the_brute_force(
    zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_segment(tmp_path)
    monkeypatch.chdir(tmp_path)
    rng = random.Random(zone)
    count = 0
    while count < 2_500:
        users, as_of = random_users(rng)
        week_start = rng.choice([0, 0, 1, 5, 6])
        first_week_on = date(1, 1, 1 + week_start)
        path = write_warehouse(tmp_path / f"{count}.duckdb", users, as_of, zone, first_week_on)
        with OpenWarehouse(path) as opened:
            for _ in range(20):
                given = draw_options(rng)
                frame = run_query(opened, QUERY, given).frame
                cells = {
                    (row["segment"], row["cohort_period"], row["period_index"]): (
                        row["cohort_size"],
                        row["at_risk_count"],
                        row["retained_count"],
                        row["is_complete"],
                        row["is_mean"] or row["is_in_mean"],
                    )
                    for row in frame.iter_rows(named=True)
                }
                assert len(cells) == frame.height
                assert cells == brute_force(users, as_of, zone, week_start, given), given
                for row in frame.iter_rows(named=True):
                    check_interval(row)
                check_previous_rates(frame, given["mode"])
                count += len(cells)


def check_previous_rates(frame: pl.DataFrame, mode: str) -> None:
    cells = {
        (row["segment"], row["cohort_period"], row["period_index"]): row
        for row in frame.iter_rows(named=True)
    }
    for (segment, cohort, index), row in cells.items():
        before = cells.get((segment, cohort, index - 1), {}).get("retained_count")
        if cohort is None or mode == "bracket" or not before:
            assert row["previous_rate"] is None
        else:
            assert row["previous_rate"] == pytest.approx(row["retained_count"] / before)


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


def in_segment(rows: list[dict[str, Any]], name: str) -> list[tuple[int, int, int]]:
    return [
        (row["period_index"], row["cohort_size"], row["retained_count"])
        for row in rows
        if row["segment"] == name and row["cohort_period"] == date(2026, 1, 1)
    ]


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four who signed up in January 2026, as of the end of February; ada and bo are "mine"."""
    write_segment(tmp_path)
    monkeypatch.chdir(tmp_path)
    january, february = at("2026-01-10T00:00"), at("2026-02-10T00:00")

    def user(name: str, *moments: datetime, **more: Any) -> User:
        return User(name, january, [(moment, "image") for moment in moments], **more)

    mine = {"brand_style": "minimal", "acquisition": "direct"}
    users = [
        user("ada", january, february, product="pro", **mine),
        user("bo", january, product="pro", **mine),
        user("cy", february, product="starter", acquisition="direct"),
        user("di", product=None, acquisition="freebie", is_onboarded=True),
    ]
    return write_warehouse(tmp_path / "w.duckdb", users, at("2026-02-28T23:59"))


@pytest.mark.parametrize(
    ("given", "segments"),
    [
        ({"breakdown": "product"},
         {"pro": [(0, 2, 2), (1, 2, 1)], "starter": [(0, 1, 0), (1, 1, 1)],
          "(none)": [(0, 1, 0), (1, 1, 0)]}),
        ({"breakdown": "is_onboarded"},
         {"false": [(0, 3, 2), (1, 3, 2)], "true": [(0, 1, 0), (1, 1, 0)]}),
        ({"breakdown": "segment:mine"},
         {"in mine": [(0, 2, 2), (1, 2, 1)], "not in mine": [(0, 2, 0), (1, 2, 1)]}),
        ({"breakdown": "product", "top": "1"},
         {"pro": [(0, 2, 2), (1, 2, 1)], "(other)": [(0, 2, 0), (1, 2, 1)]}),
        ({"only": "mine"}, {"all": [(0, 2, 2), (1, 2, 1)]}),
        ({"without": "mine"}, {"all": [(0, 2, 0), (1, 2, 1)]}),
    ],
)  # fmt: skip
def test_who_is_split_and_who_is_asked_for(
    mixed: Path, given: dict[str, str], segments: dict[str, list[tuple[int, int, int]]]
) -> None:
    rows = run(mixed, **given)
    assert {row["segment"] for row in rows} == segments.keys()
    assert {name: in_segment(rows, name) for name in segments} == segments


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"breakdown": "prodct"}, "'breakdown' cannot be 'prodct'; did you mean 'product'"),
        ({"breakdown": "segment:mien"}, "unknown segment 'mien'; did you mean 'mine'"),
        ({"only": "mien"}, "'only': unknown segment 'mien'; did you mean 'mine'"),
        ({"top": "3"}, "nothing is split"),
        ({"window": "rolling"}, "window=rolling and grain=month do not go .*not equally long"),
        ({"cohort": "week"}, "cohort=week and grain=month .*cannot be shorter"),
        ({"mode": "bracket", "periods": "3"}, "the brackets say which"),
    ],
)
def test_what_means_nothing_is_refused_with_the_reason(
    mixed: Path, given: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(mixed, **given)
