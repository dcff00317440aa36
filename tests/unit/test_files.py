"""Folders change places at one instant, nothing of a killed process stays, nobody's file goes."""

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.files import replace_folder, require_replaceable

ROUNDS = 200


def fill(folder: Path, text: str) -> None:
    with replace_folder(folder) as private:
        (private / "file").write_text(text)


def test_a_reader_always_finds_one_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "e"
    fill(folder, "0")

    def replace_often() -> None:
        for number in range(ROUNDS):
            fill(folder, str(number))

    with ThreadPoolExecutor() as pool:
        replaced = pool.submit(replace_often)
        while not replaced.done():
            assert folder.is_dir()
        replaced.result()
    assert (folder / "file").read_text() == str(ROUNDS - 1)
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_without_that_system_call_they_change_places_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    fill(tmp_path / "e", "1")
    fill(tmp_path / "e", "2")
    assert (tmp_path / "e" / "file").read_text() == "2"
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_what_a_killed_process_left_is_removed_and_what_another_fills_is_not(
    tmp_path: Path,
) -> None:
    dead, live = tmp_path / ".e.0123abcd.partial", tmp_path / ".e.4567abcd.partial"
    earlier = tmp_path / ".20261122T030500Z.0123abcd.partial"
    others = {".e.mine", ".e.download.partial"}
    for each in (dead, live, earlier, *(tmp_path / name for name in others)):
        each.mkdir()
        (each / "file").write_text("x")
    descriptor = os.open(live, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        fill(tmp_path / "e", "1")
    finally:
        os.close(descriptor)
    assert {path.name for path in tmp_path.iterdir()} == {"e", live.name, *others}


def is_replaceable(path: Path, content: bytes) -> bool:
    try:
        require_replaceable(path, content)
    except UsageError:
        return False
    return True


PAGE, TABLE, RECORDS = b"<!DOCTYPE html>\n<p>x", b"month,mrr_cents\n2026-01-01,4900\n", b"[]\n"


@pytest.mark.parametrize("content", [PAGE, TABLE, RECORDS, b"PAR1\0\0", b"PK\x03\x04\0"])
def test_a_file_of_the_same_kind_and_an_empty_one_may_be_replaced(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "out"
    assert is_replaceable(path, content)
    path.write_bytes(b"")
    assert is_replaceable(path, content)
    path.write_bytes(content + b"more of it")
    assert is_replaceable(path, content)
    assert is_replaceable(Path("/dev/null"), content)


def test_a_text_cut_amid_a_character_is_one(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(b"x" * 4095 + "é".encode())
    assert is_replaceable(path, TABLE)


@pytest.mark.parametrize(
    ("name", "there", "content"),
    [
        ("out.csv", PAGE, TABLE),
        ("out.csv", b"\x89PNG\r\n\x1a\n\0\0", TABLE),
        ("out.csv", b"SQLite format 3\0", TABLE),
        ("out.html", TABLE, PAGE),
        ("out.json", TABLE, RECORDS),
        ("out.xlsx", TABLE, b"PK\x03\x04"),
        ("reports.yml", b"title: Mine\n", TABLE),
        ("w.runs.jsonl", b'{"run_id": 1}\n', b'{"report": "a"}\n'),
    ],
)
def test_a_file_of_somebodys_is_never_replaced(
    tmp_path: Path, name: str, there: bytes, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(there)
    with pytest.raises(UsageError, match="is there and is no table or page of ours"):
        require_replaceable(path, content)


def test_a_warehouse_is_never_replaced_by_whatever_name(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    duckdb.connect(str(path)).close()
    with pytest.raises(UsageError, match="a DuckDB file"):
        require_replaceable(path, TABLE)
