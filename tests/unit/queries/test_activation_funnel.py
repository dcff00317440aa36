"""The activation funnel by hand."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sselfie_insights.query import OpenWarehouse, find_query, load_library, run_query
from tests.support.warehouses import User, write_warehouse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    users = [
        # Trained on day 2, an image on day 7 to the second, paid on day 8.
        User("ada", at("2026-01-10T12:00"),
             [(at("2026-01-12T12:00"), "training"), (at("2026-01-17T12:00"), "image")],
             first_payment_at=at("2026-01-18T12:00"), is_onboarded=True),
        # An image one second after day 7; a member on day 1.
        User("bo", at("2026-01-31T23:59"), [(at("2026-02-07T23:59:01"), "photoshoot")],
             first_payment_at=at("2026-02-01T23:59"),
             first_subscription_at=at("2026-02-01T23:59")),
        User("cy", at("2026-02-03T00:00"), [(at("2026-02-03T06:00"), "image")]),
    ]  # fmt: skip
    return write_warehouse(tmp_path / "w.duckdb", users, at("2026-03-08T12:00"))


def run(path: Path, **given: str) -> dict[tuple[str, str], tuple[int, int, float | None]]:
    query = find_query("engagement/activation_funnel", load_library())
    with OpenWarehouse(path) as opened:
        frame = run_query(opened, query, given).frame
    return {
        (f"{row['cohort_period']:%Y-%m}", row["step"]): (
            row["cohort_size"],
            row["user_count"],
            row["median_days"],
        )
        for row in frame.iter_rows(named=True)
    }


def test_steps_count_within_the_days(warehouse: Path) -> None:
    cells = run(warehouse, within_days="7")
    assert {step: cell for (month, step), cell in cells.items() if month == "2026-01"} == {
        "signup": (2, 2, None),
        "onboarded": (2, 1, None),
        "trained": (2, 1, 2.0),
        "first_image": (2, 1, 7.0),
        "first_payment": (2, 1, 1.0),
        "member": (2, 1, 1.0),
    }
    assert cells["2026-02", "first_image"] == (1, 1, 0.25)


def test_a_cohort_waits_until_its_last_user_has_had_the_days(warehouse: Path) -> None:
    # February ends on 1 March; with seven days it is full on 8 March, with eight on 9 March.
    assert {month for month, _ in run(warehouse, within_days="7")} == {"2026-01", "2026-02"}
    assert {month for month, _ in run(warehouse, within_days="8")} == {"2026-01"}
    assert run(warehouse, within_days="8")["2026-01", "first_payment"] == (2, 2, 4.5)


def test_months_can_be_bounded(warehouse: Path) -> None:
    assert {m for m, _ in run(warehouse, within_days="7", since="2026-02-15")} == {"2026-02"}
    assert {m for m, _ in run(warehouse, within_days="7", until="2026-01-02")} == {"2026-01"}


def test_a_step_before_signing_up_counts_at_signup(tmp_path: Path) -> None:
    guests = [
        # Paid as a guest five days before the account, and another a day after it.
        User("di", at("2026-01-10T12:00"), [], first_payment_at=at("2026-01-05T12:00")),
        User("ed", at("2026-01-10T12:00"), [], first_payment_at=at("2026-01-11T12:00")),
    ]
    path = write_warehouse(tmp_path / "w.duckdb", guests, at("2026-03-08T12:00"))
    # The median of 0 and 1; of -5 and 1 it would be -2.
    assert run(path, within_days="7")["2026-01", "first_payment"] == (2, 2, 0.5)
