import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.query import OpenWarehouse
from sselfie_insights.settings import load_settings
from sselfie_insights.warehouse.paths import publications_dir
from sselfie_insights.warehouse.publications import (
    find_publication,
    list_publications,
    prune_publications,
    retain,
    use_publication,
)
from tests.support.warehouses import write_warehouse

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def publish(folder: Path, at: datetime) -> Path:
    """Put a warehouse that speaks for ``at`` in the place of the one before, as a run does."""
    new = write_warehouse(folder / "new.duckdb", [], at)
    return new.replace(folder / "w.duckdb")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Three publications: two on the 20th of November (UTC), one on the 22nd."""
    for at in (NOON, NOON + timedelta(hours=11, minutes=30), NOON + timedelta(days=2)):
        retain(publish(tmp_path, at), at)
    return tmp_path / "w.duckdb"


def names(warehouse: Path) -> list[str]:
    return [publication.name for publication in list_publications(warehouse)]


def damage(warehouse: Path, name: str) -> None:
    path = publications_dir(warehouse) / f"{name}.duckdb"
    path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])


def test_keeps_the_published_file_itself_privately(warehouse: Path) -> None:
    last = list_publications(warehouse)[-1]
    assert last.name == "20261122T120000Z"
    assert last.published_at == NOON + timedelta(days=2)
    assert last.path.samefile(warehouse)
    assert publications_dir(warehouse).stat().st_mode & 0o777 == 0o700


def test_each_publication_still_speaks_for_its_own_instant(warehouse: Path) -> None:
    spoken = []
    for publication in list_publications(warehouse):
        with OpenWarehouse(publication.path) as opened:
            stamp = opened.stamp
        assert stamp.publication == publication.name
        spoken.append(stamp.as_of)
    assert spoken == [NOON, NOON + timedelta(hours=11, minutes=30), NOON + timedelta(days=2)]


def test_the_newest_file_is_stamped_without_a_publication(warehouse: Path) -> None:
    with OpenWarehouse(warehouse) as opened:
        assert opened.stamp.publication is None


@pytest.mark.parametrize(
    ("text", "zone", "name"),
    [
        ("2026-11-20", "UTC", "20261120T233000Z"),
        ("2026-11-20", "Europe/Oslo", "20261120T120000Z"),  # 23:30 UTC is the 21st there
        ("2026-11-21", "Europe/Oslo", "20261120T233000Z"),
        ("2026-11-22", "UTC", "20261122T120000Z"),
        ("latest", "UTC", "20261122T120000Z"),
        ("20261120T120000Z", "UTC", "20261120T120000Z"),
    ],
)
def test_finds_by_day_name_or_latest(warehouse: Path, text: str, zone: str, name: str) -> None:
    assert find_publication(warehouse, text, zone).name == name


@pytest.mark.parametrize("text", ["2026-11-21", "yesterday", "20261121T000000Z", ""])
def test_what_is_not_there_is_told_with_the_nearest(warehouse: Path, text: str) -> None:
    with pytest.raises(UsageError, match="no publication") as caught:
        find_publication(warehouse, text)
    assert "20261120T233000Z" in caught.value.remedy
    assert "20261122T120000Z" in caught.value.remedy


def test_without_any_publication_says_how_to_get_one(tmp_path: Path) -> None:
    assert list_publications(tmp_path / "w.duckdb") == []
    with pytest.raises(UsageError, match="none is kept"):
        find_publication(tmp_path / "w.duckdb", "latest")


def test_two_publications_of_one_second_are_both_kept(warehouse: Path, tmp_path: Path) -> None:
    at = NOON + timedelta(days=2)
    first = retain(publish(tmp_path, at), at)
    again = retain(warehouse, at + timedelta(milliseconds=900))
    second = retain(publish(tmp_path, at), at)
    assert (first.name, again.name, second.name) == (
        "20261122T120000Z-2",
        "20261122T120000Z-2",
        "20261122T120000Z-3",
    )
    assert find_publication(warehouse, "2026-11-22").name == "20261122T120000Z-3"


def test_a_damaged_file_is_passed_over_with_a_note(warehouse: Path) -> None:
    damage(warehouse, "20261120T233000Z")
    notes: list[str] = []
    found = find_publication(warehouse, "2026-11-20", on_note=notes.append)
    assert found.name == "20261120T120000Z"
    assert notes == ["the publication 20261120T233000Z is damaged, and was passed over"]
    with pytest.raises(UsageError, match="20261120T233000Z is damaged"):
        find_publication(warehouse, "20261120T233000Z")


def test_foreign_files_are_passed_over(warehouse: Path) -> None:
    folder = publications_dir(warehouse)
    before = names(warehouse)
    for name in ("notes.txt", "20260231T000000Z.duckdb", "x.duckdb", "20261120T120000Z.duckdb.bak"):
        (folder / name).write_bytes(b"")
    assert names(warehouse) == before
    assert prune_publications(warehouse, 3) == []
    assert (folder / "notes.txt").exists()


def test_copies_where_links_are_impossible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    warehouse = publish(tmp_path, NOON)
    kept = retain(warehouse, NOON)
    assert not kept.path.samefile(warehouse)
    assert kept.path.read_bytes() == warehouse.read_bytes()
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in publications_dir(warehouse).iterdir()] == [kept.path.name]


def test_what_a_killed_copy_left_is_removed(warehouse: Path) -> None:
    left_over = publications_dir(warehouse) / "20261121T120000Z.duckdb.partial"
    left_over.write_bytes(b"half")
    assert len(names(warehouse)) == 3
    retain(warehouse, NOON + timedelta(days=3))
    assert not left_over.exists()


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_takes_no_file_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StorageError, match=f"cannot be kept.*{os.strerror(code)}"):
        retain(publish(tmp_path, NOON), NOON)


def test_prunes_by_count(warehouse: Path) -> None:
    removed = prune_publications(warehouse, 2)
    assert [each.name for each in removed] == ["20261120T120000Z"]
    assert names(warehouse) == ["20261120T233000Z", "20261122T120000Z"]


def test_prunes_by_age(warehouse: Path) -> None:
    now = NOON + timedelta(days=2, hours=12)
    prune_publications(warehouse, 10, timedelta(days=2, hours=1), now)
    assert names(warehouse) == ["20261120T233000Z", "20261122T120000Z"]


def test_the_last_intact_one_is_never_pruned(warehouse: Path) -> None:
    damage(warehouse, "20261122T120000Z")
    far = NOON + timedelta(days=400)
    prune_publications(warehouse, 1, timedelta(days=1), far)
    assert names(warehouse) == ["20261120T233000Z"]
    assert prune_publications(warehouse, 1, timedelta(days=1), far) == []


def test_reads_the_publication_that_settings_name(warehouse: Path) -> None:
    settings = load_settings(warehouse=warehouse)
    assert use_publication(settings, None) == settings
    used = use_publication(settings, "2026-11-20")
    assert used.warehouse.name == "20261120T233000Z.duckdb"
    with duckdb.connect(used.warehouse, read_only=True) as connection:
        assert connection.sql("select count(*) from marts.build_info").fetchall() == [(1,)]


def test_what_cannot_be_removed_is_noted_and_kept(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "unlink", refuse)
    notes: list[str] = []
    assert prune_publications(warehouse, 1, on_note=notes.append) == []
    assert len(notes) == 2 and "cannot be removed: Permission denied" in notes[0]
    assert len(names(warehouse)) == 3
