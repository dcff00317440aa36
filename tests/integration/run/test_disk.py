"""Too little room: told before a run where it can be known, else when it happens."""

import resource
import shutil
import subprocess
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psycopg
import pytest

from sselfie_insights.errors import ExitCode, StorageError
from sselfie_insights.warehouse import space
from tests.integration.run.conftest import Nightly

MEGABYTES = 16
Usage = namedtuple("Usage", "total used free")


def test_a_run_needs_twice_the_warehouse_and_a_margin(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly.run()
    before = nightly.digest()
    size = nightly.warehouse.stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 2 * size + 255_999_999))
    needed = f"{(2 * size + 256_000_000) / 1e6:.0f} MB needed"
    with pytest.raises(StorageError, match=f"too little room .*: {needed}, .* MB free"):
        nightly.run()
    assert nightly.digest() == before
    assert nightly.last()["exit_code"] == ExitCode.USAGE
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 10**9))
    nightly.run()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A folder on a disk of its own; None where nobody may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    if not mount or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        yield None
        return
    yield folder
    umount = shutil.which("umount")
    assert umount
    subprocess.run([umount, str(folder)], check=True)


@contextmanager
def limited_files() -> Iterator[None]:
    """Let no file of this process grow beyond that of a small disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEGABYTES * 1_000_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_meanwhile(
    nightly: Nightly, small_disk: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "MARGIN_BYTES", 0)
    mine = Nightly(nightly.url, small_disk or nightly.folder, nightly.folders)
    mine.run()
    before = mine.digest()
    mine.turn()
    with psycopg.connect(nightly.url) as connection:
        connection.execute(
            "create table large as select random() as a, random() as b, random() as c,"
            " random() as d, random() as e, random() as f, random() as g, random() as h"
            " from generate_series(1, 400000) i"
        )
    filling = nullcontext() if small_disk else limited_files()
    with filling, pytest.raises(StorageError, match="cannot be written") as full:
        mine.run()
    assert full.value.remedy == "free some space"
    assert mine.digest() == before
    assert mine.left_over() == set()
    assert (mine.last()["exit_code"], mine.last()["failed_step"]) == (ExitCode.USAGE, "sync")
    with psycopg.connect(nightly.url) as connection:
        connection.execute("drop table large")
    mine.run()
    assert mine.rounds() == {1}
