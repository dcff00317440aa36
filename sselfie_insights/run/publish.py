"""Publishing: one writer prepares a private copy, and a rename makes it the warehouse.

DuckDB allows one writer or many readers of a file, so nobody writes the published file. Readers
keep the file that they opened; a run that dies leaves the published file as it was.
"""

import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from filelock import FileLock, Timeout

from sselfie_insights.errors import LockedError, UsageError
from sselfie_insights.files import PRIVATE_MODE
from sselfie_insights.storage import FULL, REPLACE

WRITER: dict[str, str | bool | int | float | list[str]] = {"max_vacuum_tasks": "0"}
"""How DuckDB opens a private copy to write. By itself it merges row groups for a few deleted rows
at every checkpoint, which can take longer than the sync; that compacts a table when it pays."""

SCHEMAS = frozenset({"raw", "meta", "staging", "intermediate", "marts", "snapshots", "forecast"})
"""The schemas of a warehouse. DuckDB calls an open file by its name, which must not be theirs."""


@contextmanager
def warehouse_lock(warehouse: Path) -> Iterator[None]:
    """Hold the one lock of ``warehouse``; a thread that holds it may take it again.

    The operating system releases the lock of a process that dies.

    Raises:
        LockedError: Another run holds it; the message says which process, where and since when.
        UsageError: The folder does not exist, or cannot be written, or the file is called like a
            schema.
    """
    warehouse = warehouse.resolve()
    _check_place(warehouse)
    path = warehouse.with_name(f".{warehouse.name}.lock")
    holder = warehouse.with_name(f".{warehouse.name}.holder")
    lock = FileLock(path, timeout=0, mode=PRIVATE_MODE, is_singleton=True)
    try:
        path.touch(mode=PRIVATE_MODE)
        lock.acquire()
    except Timeout:
        raise LockedError(
            f"another run holds {warehouse}: {_describe_holder(holder)}",
            remedy="wait until it has ended, then try again",
        ) from None
    except OSError as error:
        raise _unwritable(warehouse, error) from None
    try:
        if lock.lock_counter == 1:
            _name_holder(holder)
        yield
    finally:
        if lock.lock_counter == 1:
            # Who holds it next writes a file of its own.
            with suppress(OSError):
                holder.unlink()
        lock.release()


@contextmanager
def private_copy(warehouse: Path) -> Iterator[Path]:
    """Hold the lock, and yield a private copy of ``warehouse`` to write, which nobody else sees.

    The copy has the published file's own name, so that DuckDB gives it the same catalog name,
    and lies alone in a folder of this run's own, where no child of a run that died still writes.
    Where nothing is published yet, no file is there. An older format is upgraded in the copy.
    What a run that died left over is removed.

    Raises:
        LockedError: Another run holds the warehouse.
        UsageError: The warehouse cannot be read or written, a newer version of this package wrote
            it, or the disk is full.
    """
    warehouse = warehouse.resolve()
    with warehouse_lock(warehouse):
        every = warehouse.with_name(f".{warehouse.name}.private")
        folder = every / token_hex(4)
        try:
            try:
                _remove(every)
                folder.mkdir(mode=0o700, parents=True)
                if warehouse.exists():
                    _copy(warehouse, folder / warehouse.name)
                    _upgrade(folder / warehouse.name, warehouse)
            except OSError as error:
                raise _unwritable(warehouse, error) from None
            yield folder / warehouse.name
        finally:
            _remove(every)


def publish(private: Path, warehouse: Path) -> None:
    """Make ``private`` durable, then rename it over ``warehouse``.

    Close every connection to it before. Should the process die in between, the published file is
    either the old one or the new one, whole.

    Raises:
        UsageError: The warehouse cannot be written, or the disk is full.
    """
    warehouse = warehouse.resolve()
    log = private.with_name(f"{private.name}.wal")
    if log.exists():
        raise RuntimeError(f"{private} is still open: its write-ahead log has not been folded in")
    if not private.exists():
        raise RuntimeError(f"nothing was written to {private}")
    try:
        private.chmod(PRIVATE_MODE)
        _flush(private)
        # Of somebody who wrote the published file and died. DuckDB would add it to the new one.
        warehouse.with_name(f"{warehouse.name}.wal").unlink(missing_ok=True)
        private.replace(warehouse)
        _flush(warehouse.parent)
    except OSError as error:
        raise _unwritable(warehouse, error) from None


@contextmanager
def writable_copy(warehouse: Path) -> Iterator[Path]:
    """Yield a private copy of ``warehouse`` to write; publish it when the block succeeds.

    When the block raises, or the process dies, the published file stays as it was. Close every
    connection to the copy before the block ends.

    Raises:
        LockedError: Another run holds the warehouse.
        UsageError: As for ``private_copy`` and ``publish``.
    """
    with private_copy(warehouse) as private:
        yield private
        publish(private, warehouse)


def _check_place(warehouse: Path) -> None:
    folder = warehouse.parent
    if not folder.is_dir():
        raise UsageError(
            f"the folder of the warehouse, {folder}, does not exist",
            remedy="create it, or set SSELFIE_WAREHOUSE",
        )
    if warehouse.is_dir():
        raise UsageError(
            f"the warehouse {warehouse} is a folder", remedy="set SSELFIE_WAREHOUSE to a file"
        )
    if warehouse.stem.lower() in SCHEMAS:
        raise UsageError(
            f"the warehouse {warehouse} is called like one of its own schemas",
            remedy="set SSELFIE_WAREHOUSE to another name, such as warehouse.duckdb",
        )


def _name_holder(path: Path) -> None:
    """Write who holds the lock; for people, so that no run fails when it cannot be written."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    content = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    with suppress(OSError):
        path.touch(mode=PRIVATE_MODE)
        path.write_text(json.dumps(content), encoding="utf-8")


def _describe_holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (OSError, ValueError, LookupError, TypeError):
        return "it has not said who it is"


def _unwritable(warehouse: Path, error: OSError) -> UsageError:
    full = error.errno in FULL
    return UsageError(
        f"the warehouse {warehouse} cannot be written: {error.strerror or error}",
        remedy="free some space" if full else "change its permissions, or set SSELFIE_WAREHOUSE",
    )


def _upgrade(private: Path, warehouse: Path) -> None:
    import duckdb

    from sselfie_insights.run.format import upgrade

    try:
        upgrade(private)
    except duckdb.Error as error:
        raise UsageError(
            f"the warehouse {warehouse} is damaged, or no warehouse: {str(error).splitlines()[0]}",
            remedy=REPLACE,
        ) from None


def _copy(source: Path, target: Path) -> None:
    """Copy a file inside the kernel, which shares its blocks where the file system can."""
    if hasattr(os, "copy_file_range"):
        with source.open("rb") as read, target.open("wb") as write:
            try:
                while os.copy_file_range(read.fileno(), write.fileno(), 1 << 30):
                    pass
            except OSError as error:
                if error.errno in FULL:
                    raise
            else:
                return
    shutil.copyfile(source, target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
