"""The people of a cohort's cell, and segments made of them."""

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from sselfie_insights.segment import find_segment, read_segment
from sselfie_insights.segment.save import save_segment
from tests.support.warehouses import User, write_segment, write_warehouse
from tests.unit.queries.test_activity_cohorts import draw_options, random_users
from tests.unit.queries.test_member_cohorts import Book, Customer, Spell, write_book

ACTIVITY = load_query("retention/activity_cell_people")
SUBSCRIBERS = load_query("retention/subscriber_cell_people")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ann comes back in February, bea in March, cat never; dot signs up in February."""
    monkeypatch.chdir(tmp_path)
    january, february, march = (at(f"2026-0{month}-10T00:00") for month in (1, 2, 3))
    path = write_warehouse(
        tmp_path / "w.duckdb",
        [
            User("ann", january, [(february, "image"), (february, "chat")], product="pro"),
            User("bea", january, [(march, "image")], product="starter"),
            User("cat", january, [], product="pro"),
            User("dot", february, [(march, "chat")]),
        ],
        at("2026-03-20T00:00"),
    )
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into marts.people_now by name select customer_key, user_id, product"
            " from marts.dim_users"
        )
    return path


def list_people(path: Path, query: Any = ACTIVITY, **given: str) -> list[tuple[str, bool]]:
    with OpenWarehouse(path) as opened:
        rows = run_query(opened, query, given).frame.to_dicts()
    return [(row["customer_key"].removeprefix("user:"), row["is_retained"]) for row in rows]


@pytest.mark.parametrize(
    ("given", "people"),
    [
        ({}, [("ann", True), ("bea", False), ("cat", False)]),
        ({"mode": "on_or_after"}, [("ann", True), ("bea", True), ("cat", False)]),
        ({"at_least": "2"}, [("ann", True), ("bea", False), ("cat", False)]),
        ({"cell_period": "2"}, [("ann", False), ("bea", True), ("cat", False)]),
        ({"who": "lost"}, [("bea", False), ("cat", False)]),
        ({"who": "retained", "cell_period": "2"}, [("bea", True)]),
        ({"breakdown": "product", "cell_segment": "pro"}, [("ann", True), ("cat", False)]),
        ({"mode": "bracket", "brackets": "0,1-2", "cell_period": "1", "return": "image"},
         [("ann", True), ("bea", True), ("cat", False)]),
        ({"cell_period": "3"}, []),  # has not begun
    ],
)  # fmt: skip
def test_hand_computed_people(
    small: Path, given: dict[str, str], people: list[tuple[str, bool]]
) -> None:
    assert list_people(small, **{"cell_cohort": "2026-01-31", **given}) == people


def test_without_a_cohort_all_are_listed(small: Path) -> None:
    assert list_people(small) == [("ann", True), ("bea", False), ("cat", False), ("dot", True)]


def test_members_of_a_cell(tmp_path: Path) -> None:
    far = at("2027-01-01T00:00")
    path = write_book(
        tmp_path / "w.duckdb",
        Book(
            [
                Customer("ann", [Spell(at("2026-01-05T00:00"), far)]),
                Customer("bea", [Spell(at("2026-01-05T00:00"), at("2026-02-05T00:00"))]),
                Customer("cat", [Spell(at("2026-02-05T00:00"), far)]),
            ],
            at("2026-03-15T00:00"),
        ),
    )
    given = {"cell_cohort": "2026-01-01", "cell_period": "1"}
    assert list_people(path, SUBSCRIBERS, **given) == [("ann", True), ("bea", False)]
    assert list_people(path, SUBSCRIBERS, **given, who="lost") == [("bea", False)]
    given = {"cell_cohort": "2026-01-01", "cell_period": "0"}
    assert list_people(path, SUBSCRIBERS, **given) == [("ann", True), ("bea", True)]


def test_the_people_of_random_cells_are_as_many_as_the_cell_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_segment(tmp_path)
    monkeypatch.chdir(tmp_path)
    rng = random.Random(21)
    cells = load_query("retention/activity_cohorts")
    checked = 0
    while checked < 30:
        users, as_of = random_users(rng)
        path = write_warehouse(tmp_path / f"{checked}.duckdb", users, as_of, "Asia/Kathmandu")
        with OpenWarehouse(path) as opened:
            for _ in range(8):
                given = draw_options(rng)
                rows = run_query(opened, cells, given).frame.to_dicts()
                rows = [row for row in rows if not row["is_mean"] and row["cohort_size"]]
                for row in rng.sample(rows, min(2, len(rows))):
                    cell = {
                        "cell_cohort": row["cohort_period"].isoformat(),
                        "cell_period": str(row["period_index"]),
                        "cell_segment": row["segment"],
                    }
                    found = run_query(opened, ACTIVITY, given | cell).frame
                    assert found.height == row["at_risk_count"], (given, cell)
                    assert found["is_retained"].sum() == row["retained_count"], (given, cell)
                    checked += 1


def test_a_segment_of_a_cell_lists_its_people(small: Path) -> None:
    given = {"cell_cohort": "2026-01-01", "who": "lost", "cell_segment": "all"}
    path = save_segment("january_lost", ACTIVITY, given)

    assert path == Path("queries/segments/january_lost.sql")
    segment = find_segment("january_lost")
    assert (
        "retention/activity_cell_people -p cell_cohort=2026-01-01 -p who=lost"
        in segment.description
    )
    with OpenWarehouse(small) as opened:
        frame = read_segment(opened, segment, record=[]).frame
    assert frame["customer_key"].to_list() == ["user:bea", "user:cat"]
    assert frame["reason"].unique().to_list() == ["january_lost"]


def test_a_hostile_value_stays_a_value(small: Path) -> None:
    hostile = """'*/ {{ 1 }} {% endraw %} -- "x" $since"""
    save_segment("hostile", ACTIVITY, {"cell_segment": hostile})
    with OpenWarehouse(small) as opened:
        assert read_segment(opened, find_segment("hostile"), record=[]).frame.is_empty()


@pytest.mark.parametrize(
    ("name", "query", "message"),
    [
        ("January", ACTIVITY, "cannot be called 'January'"),
        ("win_back", ACTIVITY, "there is a segment 'win_back'"),
        ("x", load_query("churn/churn_by_month"), "the rows of churn/churn_by_month are no people"),
    ],
)
def test_what_makes_no_segment_is_refused(small: Path, name: str, query: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        save_segment(name, query, {})
    assert not Path("queries").exists()
