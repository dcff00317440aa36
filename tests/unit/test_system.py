"""What differs on macOS, as far as Linux can tell: which calls are made, and what stands in."""

import fcntl
import os
import sys
from pathlib import Path

import pytest

from sselfie_insights import system

F_FULLFSYNC = 51


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", F_FULLFSYNC, raising=False)


@pytest.mark.usefixtures("mac")
@pytest.mark.parametrize("is_known", [True, False])
def test_a_flush_reaches_the_drive_itself(is_known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def record(descriptor: int, command: int) -> int:
        asked.append(command)
        if not is_known:
            raise OSError("not on this drive")
        return 0

    monkeypatch.setattr(fcntl, "fcntl", record)
    monkeypatch.setattr(os, "fsync", lambda _: asked.append("fsync"))
    system.flush(3)
    assert asked == [F_FULLFSYNC] if is_known else [F_FULLFSYNC, "fsync"]


@pytest.mark.usefixtures("mac")
@pytest.mark.parametrize("can_clone", [True, False])
def test_a_copy_is_a_clone_where_that_is_possible(
    can_clone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"new")
    target.write_bytes(b"old")

    def clone(name: str, *arguments: int | bytes) -> bool:
        assert (name, arguments) == ("clonefile", (os.fsencode(source), os.fsencode(target), 0))
        assert not target.exists(), "clonefile refuses a target that is there"
        if can_clone:
            target.write_bytes(b"clone")
        return can_clone

    monkeypatch.setattr(system, "_call", clone)
    system.copy_file(source, target)
    assert target.read_bytes() == (b"clone" if can_clone else b"new")


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_folders_change_places_whatever_the_system_offers(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux has renameat2 and no renamex_np: on the other the fallback works."""
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "name").write_text(folder.name)
    monkeypatch.setattr(sys, "platform", platform)
    system.exchange(one, other)
    assert (other / "name").read_text() == "one"
    if one.exists():  # a real exchange leaves the other there
        assert (one / "name").read_text() == "other"


def test_nothing_else_asks_which_system_it_is() -> None:
    """And nothing reads ``/proc``, which macOS has not."""
    package = Path(system.__file__).parent
    allowed = {"system.py", "__main__.py"}
    for path in package.rglob("*.py"):
        text = path.read_text()
        assert path.name in allowed or "sys.platform" not in text, path
        assert path.name in allowed or '"/proc' not in text, path


def test_a_site_may_be_for_others_whatever_the_umask(tmp_path: Path) -> None:
    from sselfie_insights.files import write_file

    before = os.umask(0o077)
    try:
        write_file(tmp_path / "open", b"x", mode=0o644)
        write_file(tmp_path / "closed", b"x")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"open": 0o644, "closed": 0o600}
