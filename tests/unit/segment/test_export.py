"""Exports: once a day, nobody twice, a share held out, and a person can be erased."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sselfie_insights.errors import LockedError, UsageError
from sselfie_insights.query import OpenWarehouse
from sselfie_insights.query.write import to_bytes
from sselfie_insights.segment import (
    SegmentExport,
    erase_people,
    export_segment,
    find_segment,
)
from sselfie_insights.segment.holdout import is_held_out
from sselfie_insights.segment.record import read_record, record_lock
from sselfie_insights.warehouse.paths import exports_record_path, publications_dir
from tests.unit.segment.people import AS_OF, Person, write_people

IDLE_SINCE = date(2026, 5, 1)
PEOPLE = [
    Person(
        f"p{n}",
        f"p{n}",
        membership_state="former_member",
        ended_on=IDLE_SINCE,
        end_kind="voluntary",
        last_activity_on=IDLE_SINCE,
    )
    for n in range(40)
]


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return write_people(tmp_path / "w.duckdb", PEOPLE)


def export(
    warehouse: Path, segment: str = "win_back", holdout_percent: int = 25, **more: Any
) -> SegmentExport:
    personal = more.pop("with_personal_data", False)
    with OpenWarehouse(warehouse) as opened:
        return export_segment(
            opened,
            find_segment(segment),
            more,
            holdout_percent=holdout_percent,
            with_personal_data=personal,
        )


def keys(exported: SegmentExport) -> set[str]:
    return set(exported.result.frame["customer_key"])


def test_an_export_holds_everybody_but_the_holdout(warehouse: Path) -> None:
    exported = export(warehouse)
    held_out = {p.customer_key for p in PEOPLE if is_held_out(p.customer_key, 25)}
    assert 0 < len(held_out) < 40
    assert keys(exported) == {p.customer_key for p in PEOPLE} - held_out
    assert (exported.held_out_count, exported.is_repeat) == (len(held_out), False)


def test_the_same_day_gives_the_same_file_whatever_has_changed(warehouse: Path) -> None:
    first = export(warehouse)
    assert keys(first)
    write_people(warehouse, PEOPLE[:3], as_of=AS_OF + timedelta(hours=3))
    again = export(warehouse)
    assert again.is_repeat
    assert to_bytes(again.result, "csv") == to_bytes(first.result, "csv")
    assert len(read_record(warehouse)) == 1


def test_a_day_has_one_export_with_one_set_of_parameters(warehouse: Path) -> None:
    export(warehouse)
    with pytest.raises(UsageError, match=r"exported for 2026-06-15 with other.*within_days=180"):
        export(warehouse, within_days="90")
    with pytest.raises(UsageError, match="25 % held out"):
        export(warehouse, holdout_percent=10)


def test_nobody_is_written_to_again_within_the_cool_down(warehouse: Path) -> None:
    first = export(warehouse)
    write_people(warehouse, PEOPLE, as_of=AS_OF + timedelta(days=6))
    second = export(warehouse)
    assert (keys(second), second.held_out_count, second.cooling_count) == (set(), 0, 40)
    write_people(warehouse, PEOPLE, as_of=AS_OF + timedelta(days=7))
    third = export(warehouse)
    assert keys(third) == keys(first)
    assert third.held_out_count == first.held_out_count


def test_who_is_held_out_of_one_segment_is_held_out_of_all(warehouse: Path) -> None:
    """Whatever share the other holds out, while the first is measured; those sent cool down."""
    first = export(warehouse, "win_back", holdout_percent=25)
    out = {p.customer_key for p in PEOPLE} - keys(first)
    other = export(warehouse, "trained_idle", holdout_percent=0)
    assert keys(other) == set()
    assert (other.held_out_count, other.cooling_count) == (len(out), len(PEOPLE) - len(out))
    drawn = {row["customer_key"]: row["holdout_percent"] for row in read_record(warehouse)[-1].rows}
    assert drawn == dict.fromkeys(out, 25)
    # When the longest window of the first is over, they are as free as everybody.
    write_people(warehouse, PEOPLE, as_of=AS_OF + timedelta(days=91))
    later = export(warehouse, "trained_idle", holdout_percent=0)
    assert keys(later) == {p.customer_key for p in PEOPLE}


def test_a_recent_e_mail_keeps_a_person_out(warehouse: Path) -> None:
    sent = replace(PEOPLE[0], last_sent_at=datetime(2026, 6, 9, 9), last_sent_on=date(2026, 6, 9))
    write_people(warehouse, [sent, PEOPLE[1]])
    exported = export(warehouse, holdout_percent=0)
    assert (keys(exported), exported.cooling_count) == ({"p1"}, 1)


def test_the_record_is_its_owners_alone_and_holds_no_address(warehouse: Path) -> None:
    exported = export(warehouse, with_personal_data=True)
    text = exports_record_path(warehouse).read_text()
    assert stat.S_IMODE(exports_record_path(warehouse).stat().st_mode) == 0o600
    assert "@" not in text
    assert set(exported.result.frame["email"]) == {f"{key}@mail.org" for key in keys(exported)}
    assert b"@" not in to_bytes(export(warehouse).result, "csv")


def test_a_person_can_be_erased_from_the_record(warehouse: Path) -> None:
    exported = export(warehouse)
    gone = sorted(keys(exported))[0]
    assert erase_people(warehouse, {gone}) == 1
    assert f'"{gone}"' not in exports_record_path(warehouse).read_text()
    assert keys(export(warehouse)) == keys(exported) - {gone}
    assert erase_people(warehouse, {gone}) == 0
    assert stat.S_IMODE(exports_record_path(warehouse).stat().st_mode) == 0o600


def test_a_kept_publication_shares_the_record_of_its_warehouse(warehouse: Path) -> None:
    kept = publications_dir(warehouse) / "20260615T120000Z.duckdb"
    assert exports_record_path(kept) == exports_record_path(warehouse)


def test_a_line_that_is_no_export_is_named(warehouse: Path) -> None:
    exports_record_path(warehouse).write_text(json.dumps({"segment": "win_back"}) + "\n")
    with pytest.raises(UsageError, match=r"w\.duckdb\.segments\.jsonl:1 is no export"):
        export(warehouse)


def test_two_exports_at_once_are_told_apart(warehouse: Path) -> None:
    with (
        record_lock(warehouse),
        ThreadPoolExecutor() as threads,
        pytest.raises(LockedError, match="another export holds"),
    ):
        threads.submit(export, warehouse).result()


def test_a_holdout_is_stable_and_of_its_share() -> None:
    people = [f"user-{n}" for n in range(20_000)]
    held = {key for key in people if is_held_out(key, 10)}
    # 2,000 are expected, with a standard deviation of 42.
    assert abs(len(held) - 2000) < 170
    assert held == {key for key in people if is_held_out(key, 10)}
    assert held < {key for key in people if is_held_out(key, 20)}
    assert not any(is_held_out(key, 0) for key in people)
    assert all(is_held_out(key, 100) for key in people)


def test_the_hash_is_that_of_any_other_program() -> None:
    # `printf 'holdout\0ann' | sha256sum` begins with 38bf6d29, which is 22.2 % of ffffffff.
    assert not is_held_out("ann", 22)
    assert is_held_out("ann", 23)


def test_the_day_is_that_of_the_data(tmp_path: Path) -> None:
    late = datetime(2026, 6, 15, 23, 59, tzinfo=UTC)
    path = write_people(tmp_path / "w.duckdb", PEOPLE, as_of=late)
    export(path)
    assert [e.exported_on for e in read_record(path)] == [date(2026, 6, 15)]
