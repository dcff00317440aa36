"""The one lock of a warehouse, and words about who holds it."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from sselfie_insights.errors import LockedError, UsageError
from sselfie_insights.files import PRIVATE_MODE, real_path, storage_error
from sselfie_insights.warehouse.paths import SCHEMAS, holder_path, lock_path

USE_ANOTHER = "change its permissions, or set SSELFIE_WAREHOUSE"
"""What helps when the warehouse cannot be written."""


@contextmanager
def warehouse_lock(warehouse: Path) -> Iterator[None]:
    """Hold the one lock of ``warehouse``; a thread that holds it may take it again.

    The operating system releases the lock of a process that dies.

    Raises:
        LockedError: Another run holds it; the message says which process, where and since when.
        UsageError: The folder does not exist, or the file is named like a schema.
        StorageError: The folder cannot be written.
    """
    warehouse = real_path(warehouse)
    _check_place(warehouse)
    holder = holder_path(warehouse)

    def busy() -> LockedError:
        return LockedError(
            f"another run holds {warehouse}: {_describe_holder(holder)}",
            remedy="wait until it has ended, then try again",
        )

    failure = f"the warehouse {warehouse} cannot be written"
    with file_lock(lock_path(warehouse), busy, failure, remedy=USE_ANOTHER) as lock:
        try:
            if lock.lock_counter == 1:
                _name_holder(holder)
            yield
        finally:
            if lock.lock_counter == 1:
                # Who holds it next writes a file of its own.
                with suppress(OSError):
                    holder.unlink()


@contextmanager
def file_lock(
    path: Path, busy: Callable[[], LockedError], failure: str, *, remedy: str
) -> Iterator[FileLock]:
    """Hold the lock on ``path``; a thread that holds it may take it again.

    Args:
        path: The file of the lock.
        busy: Gives what to raise when another process or thread holds it.
        failure: What cannot be done where the file cannot be written.
        remedy: What helps then.

    Raises:
        LockedError: It is held.
        StorageError: The file cannot be written.
    """
    lock = FileLock(path, timeout=0, mode=PRIVATE_MODE, is_singleton=True)
    try:
        path.touch(mode=PRIVATE_MODE)
        lock.acquire()
    except Timeout:
        raise busy() from None
    except OSError as error:
        raise storage_error(failure, error, remedy=remedy) from None
    try:
        yield lock
    finally:
        lock.release()


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
    if warehouse.exists() and not warehouse.is_file():
        raise UsageError(
            f"the warehouse {warehouse} is no regular file",
            remedy="set SSELFIE_WAREHOUSE to a file",
        )
    if warehouse.stem.lower() in SCHEMAS:
        raise UsageError(
            f"the warehouse {warehouse} is named like one of its own schemas",
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
        return "its holder is unknown"
