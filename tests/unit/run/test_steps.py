"""Which steps are taken, what of the disk they need, and which days were missed."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.run.missed import describe_missed, missed_days
from sselfie_insights.run.steps import STEPS, choose_steps
from sselfie_insights.warehouse.space import MARGIN_BYTES, measure_space, write_bytes


def test_steps_are_taken_in_order_whatever_the_order_of_their_names() -> None:
    assert choose_steps() == tuple(STEPS)
    assert choose_steps("render, build,publish") == ("build", "publish", "render")
    assert choose_steps(until="build") == ("sync", "check", "build")
    assert choose_steps("sync,render", "sync") == ("sync",)


@pytest.mark.parametrize(
    ("steps", "until", "words"),
    [
        ("sync,bild", None, "no step 'bild'"),
        (None, "sink", "no step 'sink'"),
        ("render", "build", "no step of 'render' comes up to 'build'"),
        ("sync,build,publish", None, "'sync' without 'check' would publish"),
        ("", None, "no step ''"),
    ],
)
def test_what_cannot_be_taken(steps: str | None, until: str | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        choose_steps(steps, until)


def test_room_is_needed_for_twice_the_warehouse_and_a_margin(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    assert measure_space(warehouse).needed == MARGIN_BYTES
    warehouse.write_bytes(b"x" * 1000)
    assert measure_space(warehouse).needed == MARGIN_BYTES + 2000
    assert [write_bytes(count) for count in (2_000_000, 1_240_000_000)] == ["2 MB", "1.2 GB"]
    with pytest.raises(StorageError, match="cannot be used"):
        measure_space(tmp_path / "no" / "w.duckdb")


def test_missed_days_lie_between_the_last_publication_and_today() -> None:
    zone = ZoneInfo("Europe/Oslo")
    journal = [
        {"command": "run", "published": True, "finished_at": "2026-11-17T02:00:00+00:00"},
        # Already the 19th in Oslo.
        {"command": "run", "published": True, "finished_at": "2026-11-18T23:30:00+00:00"},
        {"command": "run", "published": False, "finished_at": "2026-11-20T02:00:00+00:00"},
        {"command": "sync", "published": True, "finished_at": "2026-11-20T02:00:00+00:00"},
    ]
    now = datetime(2026, 11, 22, 2, tzinfo=UTC)
    days = [date(2026, 11, 20), date(2026, 11, 21)]
    assert missed_days(journal, now, zone) == days
    assert missed_days(journal, datetime(2026, 11, 20, 22, tzinfo=UTC), zone) == []
    assert missed_days([], now, zone) == []
    assert "no run published on 2026-11-20 to 2026-11-21 (2 days)" in describe_missed(days)
    assert "no run published on 2026-11-20:" in describe_missed(days[:1])
    assert describe_missed([]) == ""
