import errno
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from sselfie_insights.errors import LockedError, StorageError, UsageError
from sselfie_insights.warehouse.lock import warehouse_lock
from sselfie_insights.warehouse.publish import writable_copy


def write(path: Path, text: str) -> None:
    with duckdb.connect(path) as db:
        db.execute("create or replace table said as select ? as word", [text])


def read(path: Path) -> str:
    with duckdb.connect(path, read_only=True) as db:
        row = db.execute("select word from said").fetchone()
    assert row is not None
    return str(row[0])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".w.duckdb.lock"}


def test_publishes_with_owner_only_mode_and_leaves_nothing_else(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    with writable_copy(warehouse) as private:
        assert not private.exists()
        with duckdb.connect(private) as db:
            db.execute("create view v as select 1 as one")
    assert warehouse.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == {"w.duckdb"}
    with writable_copy(warehouse) as private, duckdb.connect(private) as db:
        assert db.sql("select current_database()").fetchall() == [("w",)]
        db.execute("create table t as select one + 1 as two from v")
    with duckdb.connect(warehouse, read_only=True) as db:
        assert db.sql("select two from t").fetchall() == [(2,)]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_published_file_untouched(
    tmp_path: Path, error: type[BaseException]
) -> None:
    warehouse = tmp_path / "w.duckdb"
    write(warehouse, "published")
    with pytest.raises(error), writable_copy(warehouse) as private:
        assert read(private) == "published"
        write(private, "half")
        raise error
    assert read(warehouse) == "published"
    assert names(tmp_path) == {"w.duckdb"}


def test_a_reader_keeps_the_file_it_opened(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    write(warehouse, "old")
    old = warehouse.read_bytes()
    with warehouse.open("rb") as reader:
        with writable_copy(warehouse) as private:
            write(private, "new")
        assert reader.read() == old
    assert read(warehouse) == "new"


def test_a_second_process_is_refused_and_a_killed_one_leaves_nothing(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    write(warehouse, "published")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time, pathlib\n"
            "from sselfie_insights.warehouse.publish import writable_copy\n"
            "with writable_copy(pathlib.Path(sys.argv[1])) as private:\n"
            "    private.write_bytes(b'half')\n"
            "    print('held', flush=True)\n"
            "    time.sleep(600)\n",
            str(warehouse),
        ],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockedError) as refused, writable_copy(warehouse):
            pass
        assert f"process {holder.pid} on {socket.gethostname()}, since 20" in str(refused.value)
        holder.send_signal(signal.SIGKILL)
    assert list((tmp_path / ".w.duckdb.private").glob("*/w.duckdb"))
    with writable_copy(warehouse) as private:
        assert read(private) == "published"
    assert names(tmp_path) == {"w.duckdb"}


def test_the_holder_of_the_lock_may_copy(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    with warehouse_lock(warehouse):
        with writable_copy(warehouse) as private:
            write(private, "new")
        assert (tmp_path / ".w.duckdb.holder").exists()
    assert read(warehouse) == "new"
    assert names(tmp_path) == {"w.duckdb"}


@pytest.mark.parametrize("content", ["", "not JSON", "[]", "{}", "7"])
def test_a_holder_that_cannot_be_read_is_no_reason_to_fail(tmp_path: Path, content: str) -> None:
    warehouse = tmp_path / "w.duckdb"
    (tmp_path / ".w.duckdb.holder").write_text(content)
    with FileLock(tmp_path / ".w.duckdb.lock"), ThreadPoolExecutor(1) as other:
        refused = other.submit(warehouse_lock(warehouse).__enter__).exception()
    assert isinstance(refused, LockedError)
    assert "its holder is unknown" in str(refused)


@pytest.mark.parametrize("left_over", ["file", "link", "folder"])
def test_whatever_lies_where_the_private_copy_goes_is_removed(
    tmp_path: Path, left_over: str
) -> None:
    place = tmp_path / ".w.duckdb.private"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    if left_over == "file":
        place.write_text("?")
    elif left_over == "link":
        place.symlink_to(elsewhere)
    else:
        (place / "old").mkdir(parents=True)
        (place / "old" / "w.duckdb").write_bytes(b"half")
    with writable_copy(tmp_path / "w.duckdb") as private:
        write(private, "new")
    assert names(tmp_path) == {"w.duckdb", "elsewhere"}
    assert (elsewhere / "precious").exists()


def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    write(warehouse, "published")
    damaged = b"\0" * 4096 + warehouse.read_bytes()[4096:]
    warehouse.write_bytes(damaged)
    with pytest.raises(StorageError, match=r"w\.duckdb is damaged"), writable_copy(warehouse):
        pass
    assert warehouse.read_bytes() == damaged
    assert names(tmp_path) == {"w.duckdb"}


def test_an_open_connection_is_not_published(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    with pytest.raises(RuntimeError, match="still open"), writable_copy(warehouse) as private:
        db = duckdb.connect(private)
        db.execute("create table t as select 1 as one")
    db.close()
    assert not warehouse.exists()


def test_a_missing_folder_and_a_folder_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"), writable_copy(tmp_path / "no" / "w"):
        pass
    with pytest.raises(UsageError, match="is a folder"), writable_copy(tmp_path):
        pass


def test_an_unwritable_folder_is_a_storage_error() -> None:
    # Not even root may write there.
    with (
        pytest.raises(StorageError, match="cannot be written"),
        writable_copy(Path("/proc/w.duckdb")),
    ):
        pass


def test_a_full_disk_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = tmp_path / "w.duckdb"
    write(warehouse, "published")

    def full(*args: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "copy_file_range", full)
    with pytest.raises(StorageError, match="No space left"), writable_copy(warehouse):
        pass
    assert read(warehouse) == "published"
    assert names(tmp_path) == {"w.duckdb"}


def test_copies_where_the_kernel_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*args: object) -> int:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "copy_file_range", unsupported)
    warehouse = tmp_path / "w.duckdb"
    write(warehouse, "published")
    with writable_copy(warehouse) as private:
        assert read(private) == "published"


def test_a_warehouse_is_not_called_like_a_schema(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="named like one of its own schemas"),
        writable_copy(tmp_path / "Marts.duckdb"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_wrote_beside_the_published_file_is_not_added_to_the_next(
    tmp_path: Path,
) -> None:
    """DuckDB replays a write-ahead log that it finds beside a file, whosever it is."""
    warehouse, log = tmp_path / "w.duckdb", tmp_path / "w.duckdb.wal"
    with writable_copy(warehouse) as private:
        write(private, "old")
    published = warehouse.read_bytes()
    with duckdb.connect(warehouse) as db:
        db.execute("insert into said values ('by hand')")
        left = log.read_bytes()
    warehouse.write_bytes(published)  # as if that process had been killed
    log.write_bytes(left)
    with duckdb.connect(warehouse, read_only=True) as db:
        assert len(db.sql("from said").fetchall()) == 2
    with writable_copy(warehouse) as private:
        write(private, "new")
    with duckdb.connect(warehouse, read_only=True) as db:
        assert db.sql("from said").fetchall() == [("new",)]
    assert names(tmp_path) == {"w.duckdb"}
