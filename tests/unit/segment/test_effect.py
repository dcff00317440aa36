"""What came of writing to people, counted by hand; Newcombe's interval by his own table."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sselfie_insights.build.derived import write_derived
from sselfie_insights.query import OpenWarehouse, find_query, load_library, run_query
from sselfie_insights.segment.record import PastExport, append_export
from sselfie_insights.statistics.intervals import newcombe
from tests.support.contracts import insert
from tests.unit.segment.people import TODAY, Person, write_people

EXPORTED_ON = TODAY - timedelta(days=40)


def effect(warehouse: Path, **given: int) -> list[dict[str, Any]]:
    write_derived(warehouse, warehouse)
    query = find_query("growth/segment_effect", load_library())
    values = {name: str(value) for name, value in given.items()}
    with OpenWarehouse(warehouse) as opened:
        return run_query(opened, query, values).frame.to_dicts()


def remember(
    warehouse: Path, goal: str, groups: dict[str, str], on: date, name: str, percent: int = 10
) -> None:
    rows = tuple(
        {"customer_key": key, "user_id": key, "goal": goal, "group": group}
        for key, group in groups.items()
    )
    append_export(warehouse, PastExport(name, on, {}, percent, rows))


def people(*keys: str) -> list[Person]:
    return [Person(key, key) for key in keys]


# Newcombe (1998), table II, method 10.
@pytest.mark.parametrize(
    ("a", "m", "b", "n", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (10, 10, 0, 10, 0.6075, 1.0000),
    ],
)
def test_newcombes_interval_is_his(a: int, m: int, b: int, n: int, low: float, high: float) -> None:
    found = newcombe(a, m, b, n)
    assert found[0] == pytest.approx(a / m - b / n)
    assert found[1:] == pytest.approx((low, high), abs=5e-5)


def test_a_goal_counts_from_the_day_after_up_to_the_last_day(tmp_path: Path) -> None:
    """Days 0, 1, 30 and 31 after the export: the second and third count."""
    path = write_people(tmp_path / "w.duckdb", people("a", "b", "c", "d", "e", "f"))
    groups = dict.fromkeys("abcdef", "sent") | {"e": "held_out", "f": "held_out"}
    done = dict(zip("abcd", (0, 1, 30, 31), strict=True)) | {"e": 30}
    for goal in ("paid", "active", "trained"):
        remember(path, goal, groups, EXPORTED_ON, goal)
    with duckdb.connect(str(path)) as connection:
        days = {key: EXPORTED_ON + timedelta(days=after) for key, after in done.items()}
        paid = [(key, "payment", day) for key, day in days.items()] + [("f", "refund", days["b"])]
        insert(connection, "marts.payments", "customer_key, kind, moved_on", paid)
        done_by = [(key, "training", day) for key, day in days.items()] + [("f", "chat", days["b"])]
        insert(connection, "marts.fct_activity", "user_id, feature, activity_on", done_by)
    rows = {row["segment"]: row for row in effect(path)}
    counts = ("sent_count", "sent_reached_count", "held_out_count", "held_out_reached_count")
    assert {name: tuple(row[c] for c in counts) for name, row in rows.items()} == {
        "paid": (4, 2, 2, 1),
        "active": (4, 2, 2, 2),
        "trained": (4, 2, 2, 1),
    }


def test_a_member_is_one_at_the_end_of_the_days(tmp_path: Path) -> None:
    path = write_people(tmp_path / "w.duckdb", people(*"abcdef"))
    remember(path, "member", dict.fromkeys("abcdef", "sent"), EXPORTED_ON, "win_back")
    end = EXPORTED_ON + timedelta(days=30)
    spans: list[tuple[object, ...]] = [
        ("a", EXPORTED_ON + timedelta(days=5), None),
        ("b", EXPORTED_ON + timedelta(days=5), end),
        ("c", EXPORTED_ON + timedelta(days=5), end + timedelta(days=1)),
        ("d", end, None),
        ("e", end + timedelta(days=1), None),
    ]
    with duckdb.connect(str(path)) as connection:
        insert(connection, "marts.membership_spans", "customer_key, began_on, ended_on", spans)
    [row] = effect(path)
    assert (row["sent_count"], row["sent_reached_count"]) == (6, 3)  # a, c and d


def test_a_goal_is_reached_within_the_days_asked_for(tmp_path: Path) -> None:
    path = write_people(tmp_path / "w.duckdb", people("a", "b", "c"))
    remember(path, "paid", {"a": "sent", "b": "sent", "c": "held_out"}, EXPORTED_ON, "win_back")
    done = {"a": EXPORTED_ON + timedelta(days=7), "b": EXPORTED_ON + timedelta(days=8)}
    with duckdb.connect(str(path)) as connection:
        paid = [(key, "payment", day) for key, day in done.items()]
        insert(connection, "marts.payments", "customer_key, kind, moved_on", paid)
    counts = ("sent_count", "sent_reached_count", "held_out_count", "waiting_count")
    found = {
        days: [tuple(row[c] for c in counts) for row in effect(path, within_days=days)]
        for days in (7, 14, 30, 60)
    }
    # Of the export 40 days ago 60 days have not passed.
    assert found == {7: [(2, 1, 1, 0)], 14: [(2, 2, 1, 0)], 30: [(2, 2, 1, 0)], 60: [(0, 0, 0, 3)]}


def test_a_person_counts_once_and_only_when_the_days_have_passed(tmp_path: Path) -> None:
    path = write_people(tmp_path / "w.duckdb", people(*"abc"))
    # The last day is over when it lies before the running day.
    remember(path, "paid", {"a": "sent"}, TODAY - timedelta(days=31), "win_back")
    remember(path, "paid", {"a": "sent", "b": "sent"}, TODAY - timedelta(days=30), "win_back")
    remember(path, "paid", {"c": "held_out"}, TODAY, "win_back")
    [row] = effect(path)
    assert (row["sent_count"], row["held_out_count"], row["waiting_count"]) == (1, 0, 2)


def test_a_difference_is_told_only_from_enough_people(tmp_path: Path) -> None:
    sent, held_out = [f"s{n}" for n in range(70)], [f"h{n}" for n in range(80)]
    path = write_people(tmp_path / "w.duckdb", people(*sent, *held_out))
    groups = dict.fromkeys(sent, "sent") | dict.fromkeys(held_out, "held_out")
    remember(path, "paid", groups, EXPORTED_ON, "win_back", percent=50)
    day = EXPORTED_ON + timedelta(days=3)
    with duckdb.connect(str(path)) as connection:
        payers = sent[:56] + held_out[:48]
        rows = [(key, "payment", day) for key in payers]
        insert(connection, "marts.payments", "customer_key, kind, moved_on", rows)
    [row] = effect(path)
    assert row["difference"] == pytest.approx(0.2)
    # 57/72 and 49/82 give a variance of 0.005362, an information of 186.5; the sequence, of mixture
    # 78.75, reaches the root of 265.2 / 186.5 * ln(265.2 / 0.19688), 3.201 errors of 0.07323.
    assert (row["low"], row["high"]) == pytest.approx((-0.0344, 0.4344), abs=2e-4)
    assert row["verdict"] == "no difference proven"
    [row] = effect(path, least=71)
    assert (row["difference"], row["sent_rate"], row["low"]) == (None, None, None)
    assert row["verdict"] == "too few to tell: 71 people are needed in each group"
    [row] = effect(path, least=70)
    assert row["sent_rate"] == pytest.approx(0.8)


def test_a_guest_who_makes_an_account_is_followed(tmp_path: Path) -> None:
    """Whose key changes stays in the group; who was exported under both keys counts once, first."""
    path = write_people(tmp_path / "w.duckdb", people("ann", "bea", "cat"))
    groups = {"stripe:cus_1": "sent", "payment:in_2": "held_out", "cat": "sent"}
    remember(path, "paid", groups, EXPORTED_ON, "ladder_next")
    remember(path, "paid", {"ann": "held_out"}, EXPORTED_ON + timedelta(days=5), "ladder_next")
    with duckdb.connect(str(path)) as connection:
        keys = [("stripe:cus_1", "ann"), ("payment:in_2", "bea")]
        insert(connection, "marts.customer_keys", "former_key, customer_key", keys)
        day = EXPORTED_ON + timedelta(days=3)
        rows = [("ann", "payment", day), ("bea", "payment", day)]
        insert(connection, "marts.payments", "customer_key, kind, moved_on", rows)
    [row] = effect(path)
    assert (row["sent_count"], row["sent_reached_count"]) == (2, 1)
    assert (row["held_out_count"], row["held_out_reached_count"]) == (1, 1)


def test_who_is_gone_stays_in_the_group(tmp_path: Path) -> None:
    path = write_people(tmp_path / "w.duckdb", people("ann"))
    remember(path, "paid", {"ann": "sent", "gone": "sent"}, EXPORTED_ON, "win_back")
    [row] = effect(path)
    assert (row["sent_count"], row["sent_reached_count"]) == (2, 0)


def test_groups_that_were_not_drawn_as_said_get_no_verdict(tmp_path: Path) -> None:
    """Of 200 at 10 %, 50 held out: 29.5 beyond 20, of a standard deviation of 4.24."""
    sent, held_out = [f"s{n}" for n in range(150)], [f"h{n}" for n in range(50)]
    path = write_people(tmp_path / "w.duckdb", people(*sent, *held_out))
    groups = dict.fromkeys(sent, "sent") | dict.fromkeys(held_out, "held_out")
    remember(path, "paid", groups, EXPORTED_ON, "win_back")
    [row] = effect(path)
    assert row["sample_ratio_p"] < 1e-10
    assert row["verdict"] == "no verdict: the groups are not as large as they were drawn"


def test_without_an_export_there_is_no_effect(tmp_path: Path) -> None:
    assert effect(write_people(tmp_path / "w.duckdb", people("a"))) == []
