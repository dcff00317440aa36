from datetime import UTC, date, datetime
from pathlib import Path

from sselfie_insights.query import OpenWarehouse, find_query, load_library, run_query
from tests.support.warehouses import User, write_warehouse

SIGNED_UP = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_users_behind_a_period_are_listed_with_what_they_used(tmp_path: Path) -> None:
    """Worked out by hand: months in Oslo, nothing before February and nothing after as_of."""
    activity = {
        "ada": [
            (datetime(2026, 1, 31, 22, 59, tzinfo=UTC), "chat"),
            (datetime(2026, 1, 31, 23, 0, tzinfo=UTC), "chat"),
            (datetime(2026, 2, 3, tzinfo=UTC), "chat"),
            (datetime(2026, 2, 3, tzinfo=UTC), "image"),
        ],
        "bo": [
            (datetime(2026, 3, 2, tzinfo=UTC), "image"),
            (datetime(2026, 3, 9, tzinfo=UTC), "image"),
        ],
    }
    users = [User(name, SIGNED_UP, events) for name, events in activity.items()]
    path = write_warehouse(
        tmp_path / "w.duckdb",
        users,
        as_of=datetime(2026, 3, 8, tzinfo=UTC),
        zone="Europe/Oslo",
    )

    with OpenWarehouse(path) as opened:
        query = find_query("engagement/activity_by_user", load_library())
        given = {"since": "2026-02-14"}
        found = run_query(opened, query, given).frame

    assert found.rows() == [
        (date(2026, 2, 1), "ada", "chat", 2),
        (date(2026, 2, 1), "ada", "image", 1),
        (date(2026, 3, 1), "bo", "image", 1),
    ]
