"""Folders change places at one instant, and nothing of a killed process stays."""

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sselfie_insights.files import replace_folder

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
