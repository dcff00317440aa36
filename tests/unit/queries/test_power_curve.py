"""The power curve, a number of days or a range of them a row."""

from pathlib import Path

import duckdb
import pytest

from sselfie_insights import Warehouse
from tests.support.business import write_business

# Users by active days; nobody was active on any other number of days.
USERS = {1: 40, 2: 20, 3: 10, 4: 8, 7: 6, 8: 5, 14: 4, 15: 3, 28: 4}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_business(tmp_path_factory.mktemp("power") / "w.duckdb")
    rows = ", ".join(f"({days}, {USERS.get(days, 0)})" for days in range(1, 29))
    with duckdb.connect(path) as db:
        db.execute(
            "create or replace table marts.power_curve as select days::bigint as active_days,"
            f" users::bigint as user_count, users / 100 as share from (values {rows}) as t"
            " (days, users)"
        )
    return path


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("range", [(1, "1", 40), (2, "2-3", 30), (4, "4-7", 14), (8, "8-14", 9), (15, "15-28", 7)]),
        ("day", [(days, str(days), USERS.get(days, 0)) for days in range(1, 29)]),
    ],
)
def test_every_user_is_in_one_row(
    warehouse: Path, by: str, expected: list[tuple[int, str, int]]
) -> None:
    with Warehouse(warehouse) as opened:
        frame = opened.query("engagement/power_curve", by=by).frame
    assert frame.select("active_days", "days", "user_count").rows() == expected
    assert set(frame["active_count"]) == {100}
    shares = [users / 100 for _, _, users in expected]
    assert frame["share"].to_list() == pytest.approx(shares)
