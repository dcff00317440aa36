"""What fires and what does not, on numbers made by hand."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sselfie_insights.alerts import evaluate, load_watches
from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse
from tests.support.contracts import insert
from tests.support.warehouses import write_build_info

MONTHS = [date(2024 + n // 12, n % 12 + 1, 1) for n in range(23)]
AS_OF = datetime(2025, 11, 15, tzinfo=UTC)
COURSE = [100.0 + (-2, -1, 1, 2)[n % 4] for n in range(20)]


QUERY = """/*
grain: One row per month and currency.
title: Numbers
description: Numbers made by hand.
key: [month, currency]
people: n
columns:
  month: {unit: month, description: The month.}
  currency: {unit: text, description: The currency.}
  n: {unit: count, description: People behind it.}
  value: {unit: number, description: The number.}
  is_complete: {unit: flag, description: Whether the month has ended.}
*/
select * from marts.numbers
"""


@pytest.fixture(autouse=True)
def _own_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queries" / "hand").mkdir(parents=True)
    (tmp_path / "queries" / "hand" / "numbers.sql").write_text(QUERY)


def write(path: Path, values: list[float | None], n: int = 200, running: float = 0) -> Path:
    """Numbers by month, and one more of the month that still runs."""
    months = MONTHS[: len(values) + 1]
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        write_build_info(connection, AS_OF)
        connection.execute(
            "create table marts.numbers"
            " (month date, currency varchar, n bigint, value double, is_complete boolean)"
        )
        rows = [
            (month, "usd", n, value, month != months[-1])
            for month, value in zip(months, [*values, running], strict=True)
        ]
        insert(connection, "marts.numbers", "month, currency, n, value, is_complete", rows)
    return path


def judge(path: Path, rules: str) -> list[dict[str, Any]]:
    file = path.with_suffix(".yml")
    file.write_text(f"alerts:\n  - {{name: churn, query: hand/numbers, column: value, {rules}}}\n")
    with OpenWarehouse(path) as opened:
        return evaluate(opened, load_watches(file))


@pytest.mark.parametrize(
    ("value", "n", "state"),
    [
        # Of 200: fired above 0.07 + 1.96 * sqrt(0.07 * 0.93 / 200) = 0.10536.
        (0.105, 200, "quiet"),
        (0.106, 200, "fired"),
        # Of 30: above 0.07 + 1.96 * sqrt(0.07 * 0.93 / 30) = 0.1613.
        (0.16, 30, "quiet"),
        (0.1667, 30, "fired"),
        (0.9, 29, "not judged"),
    ],
)
def test_a_share_is_beyond_a_line_only_with_its_interval(
    tmp_path: Path, value: float, n: int, state: str
) -> None:
    path = write(tmp_path / "w.duckdb", [0.01, value], n)
    [row] = judge(path, "above: 0.07, trials: n")
    assert (row["state"], row["period_on"]) == (state, date(2024, 2, 1))
    assert row["value"] == (None if state == "not judged" else value)


@pytest.mark.parametrize(
    ("rule", "state"),
    [("above: 5", "fired"), ("above: 6", "quiet"), ("below: 6", "quiet"), ("below: 7", "fired")],
)
def test_another_number_is_beyond_a_line_as_it_stands(
    tmp_path: Path, rule: str, state: str
) -> None:
    path = write(tmp_path / "w.duckdb", [6.0])
    assert [row["state"] for row in judge(path, rule)] == [state]


@pytest.mark.parametrize(
    ("last", "direction", "state"),
    [
        # A count of 100 for 20 months: the dispersion is 1, so the variance of the next is 100, and
        # 100 / 20 to 4 * 100 / 20 for the doubt about level and trend. In powers of 2/3, with z =
        # 2.054 of 0.02: 21.54 - 2.054 * 2/3 * 0.2154 * 10.2 (11) is 79.5 (78.1), + is 122 (124).
        (82.0, "both", "quiet"),
        (118.0, "both", "quiet"),
        (76.0, "both", "fired"),
        (76.0, "up", "quiet"),
        (76.0, "down", "fired"),
        (126.0, "down", "quiet"),
        (126.0, "both", "fired"),
        (0.0, "down", "fired"),
    ],
)
def test_a_number_leaves_its_course(
    tmp_path: Path, last: float, direction: str, state: str
) -> None:
    values: list[float | None] = [*COURSE, last]
    path = write(tmp_path / "w.duckdb", values)
    [row] = judge(path, f"anomaly: {{direction: {direction}}}")
    assert row["state"] == state
    assert 77 < row["low"] < 80.5
    assert 121 < row["high"] < 126


def test_what_fell_to_few_is_judged_by_what_was_usual(tmp_path: Path) -> None:
    path = write(tmp_path / "w.duckdb", [56.0] * 20, n=56)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update marts.numbers set n = 20, value = 20 where month = '2025-08-01'")
    [row] = judge(path, "n: n, anomaly: {direction: down}")
    assert (row["state"], row["n"]) == ("fired", 20)


def test_a_month_that_late_renewals_can_change_waits(tmp_path: Path) -> None:
    path = write(tmp_path / "w.duckdb", [100.0] * 21 + [50.0])
    rules = "after_grace: true, anomaly: {direction: down}"
    assert judge(path, rules)[0]["period_on"] == date(2025, 10, 1)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update marts.build_info set as_of = timestamp '2025-11-14 12:00'")
    [row] = judge(path, rules)
    assert (row["state"], row["period_on"]) == ("quiet", date(2025, 9, 1))
    assert judge(path, "anomaly: {direction: down}")[0]["state"] == "fired"


def test_months_that_are_each_a_little_low_add_up(tmp_path: Path) -> None:
    slow = [368.0, 358.0, 348.0, 340.0, 332.0]
    path = write(tmp_path / "w.duckdb", [*[400.0] * 17, *slow])
    states = []
    for last in range(18, 23):
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                f"update marts.numbers set is_complete = month <= date '{MONTHS[last - 1]}'"
            )
        states.append(judge(path, "anomaly: {direction: down}")[0])
    fired = [row["detail"] for row in states if row["state"] == "fired"]
    assert fired
    assert "too far in the same direction for months" in fired[0]


def test_a_running_period_is_never_judged(tmp_path: Path) -> None:
    path = write(tmp_path / "w.duckdb", [*COURSE], running=1e6)
    [row] = judge(path, "anomaly: {}")
    assert (row["state"], row["period_on"]) == ("quiet", date(2025, 8, 1))
    alone = write(tmp_path / "alone.duckdb", [], running=1e6)
    assert [row["state"] for row in judge(alone, "above: 1")] == ["not judged"]


def test_a_short_history_is_not_judged(tmp_path: Path) -> None:
    path = write(tmp_path / "w.duckdb", [*COURSE[:12]])
    [row] = judge(path, "anomaly: {}")
    assert (row["state"], row["value"]) == ("not judged", None)
    path = write(tmp_path / "longer.duckdb", [*COURSE[:13]])
    assert [row["state"] for row in judge(path, "anomaly: {}")] == ["quiet"]


def test_too_few_are_not_judged(tmp_path: Path) -> None:
    path = write(tmp_path / "w.duckdb", [0.9], n=49)
    rules = "above: 0.07, n: n, least: 50"
    assert [row["state"] for row in judge(path, rules)] == ["not judged"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("above: 0.07, n: nobody", "has no column 'nobody'"),
        ("n: n", "has no above, below or anomaly"),
        ("above: 0.07, over: 1", "over: Extra inputs"),
        ("above: 0.07, each: currency, n: currency", "'currency' holds no number"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, rules: str, message: str) -> None:
    path = write(tmp_path / "w.duckdb", [0.1])
    with pytest.raises(UsageError, match=message):
        judge(path, rules)


def test_several_rows_a_period_need_an_each(tmp_path: Path) -> None:
    path = write(tmp_path / "w.duckdb", [0.1])
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into marts.numbers by name select * replace ('eur' as currency)"
            " from marts.numbers"
        )
    with pytest.raises(UsageError, match="several rows a period"):
        judge(path, "above: 0.07")
    rows = judge(path, "above: 0.07, each: currency")
    assert sorted(row["part"] for row in rows) == ["eur", "usd"]
    assert len(judge(path, "above: 0.07, where: {currency: eur}")) == 1


def test_ones_own_file_comes_before_the_packaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "logo churn" in {watch.name for watch in load_watches()}
    Path("alerts.yml").write_text(
        "alerts: [{name: mine, query: a/b, column: c, above: 1}]", encoding="utf-8"
    )
    assert [watch.name for watch in load_watches()] == ["mine"]
