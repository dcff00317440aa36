"""Publishing: one writer prepares a private copy, and a rename makes it the warehouse.

DuckDB allows one writer or many readers of a file, so nobody writes the published file. Readers
keep the file that they opened; a run that dies leaves the published file as it was.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sselfie_insights.errors import LockedError, UsageError

PRIVATE_MODE = 0o600


@contextmanager
def warehouse_lock(warehouse: Path) -> Iterator[None]:
    """Hold the one lock of ``warehouse``; a thread that holds it may take it again.

    The operating system releases the lock of a process that dies.

    Raises:
        LockedError: Another run holds it.
        UsageError: The folder does not exist, or cannot be written.
    """
    warehouse = warehouse.resolve()
    _check_place(warehouse)
    path = warehouse.with_name(f".{warehouse.name}.lock")
    lock = FileLock(path, timeout=0, mode=PRIVATE_MODE, is_singleton=True)
    try:
        path.touch(mode=PRIVATE_MODE)
        lock.acquire()
    except Timeout:
        raise LockedError(
            f"another run holds {warehouse}", remedy="wait until it has ended, then try again"
        ) from None
    except OSError as error:
        raise _unwritable(warehouse, error) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writable_copy(warehouse: Path) -> Iterator[Path]:
    """Yield a private copy of ``warehouse`` to write; publish it when the block succeeds.

    The copy has the published file's own name, so that DuckDB gives it the same catalog name,
    and lies alone in a folder beside it. Where nothing is published yet, no file is there. When
    the block raises, or the process dies, the published file stays as it was; the next run
    removes what was left over. Close every connection to the copy before the block ends.

    Raises:
        LockedError: Another run holds the warehouse.
        UsageError: The warehouse cannot be written, or the disk is full.
    """
    warehouse = warehouse.resolve()
    with warehouse_lock(warehouse):
        folder = warehouse.with_name(f".{warehouse.name}.private")
        private = folder / warehouse.name
        try:
            try:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(mode=0o700)
                if warehouse.exists():
                    _copy(warehouse, private)
            except OSError as error:
                raise _unwritable(warehouse, error) from None
            yield private
            try:
                _publish(private, warehouse)
            except OSError as error:
                raise _unwritable(warehouse, error) from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)


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


def _unwritable(warehouse: Path, error: OSError) -> UsageError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return UsageError(
        f"the warehouse {warehouse} cannot be written: {error.strerror or error}",
        remedy="free some space" if full else "change its permissions, or set SSELFIE_WAREHOUSE",
    )


def _copy(source: Path, target: Path) -> None:
    """Copy a file inside the kernel, which shares its blocks where the file system can."""
    if hasattr(os, "copy_file_range"):
        with source.open("rb") as read, target.open("wb") as write:
            try:
                while os.copy_file_range(read.fileno(), write.fileno(), 1 << 30):
                    pass
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
            else:
                return
    shutil.copyfile(source, target)


def _publish(private: Path, warehouse: Path) -> None:
    """Make ``private`` durable, then rename it over ``warehouse``."""
    log = private.with_name(f"{private.name}.wal")
    if log.exists():
        raise RuntimeError(f"{private} is still open: its write-ahead log has not been folded in")
    if not private.exists():
        raise RuntimeError(f"nothing was written to {private}")
    private.chmod(PRIVATE_MODE)
    _flush(private)
    private.replace(warehouse)
    _flush(warehouse.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
