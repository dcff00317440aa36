"""Publishing: one writer prepares a private copy, and a rename makes it the warehouse.

DuckDB allows one writer or many readers of a file, so nobody writes the published file. Readers
keep the file that they opened; a run that dies leaves the published file as it was.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from secrets import token_hex

from sselfie_insights.files import PRIVATE_MODE, make_folder, real_path
from sselfie_insights.system import copy_file, flush
from sselfie_insights.warehouse.lock import USE_ANOTHER, warehouse_lock
from sselfie_insights.warehouse.paths import private_dir, wal_path
from sselfie_insights.warehouse.storage import OFFLINE, Config, damaged, storage_errors

WRITER: Config = OFFLINE | {"max_vacuum_tasks": "0"}
"""How DuckDB opens a private copy to write. By itself it merges row groups for a few deleted rows
at every checkpoint, which can take longer than the sync; that compacts a table when it pays."""


@contextmanager
def private_copy(warehouse: Path) -> Iterator[Path]:
    """Hold the lock, and yield a private copy of ``warehouse`` to write, which nobody else sees.

    The copy has the published file's own name, so that DuckDB gives it the same catalog name,
    and lies alone in a folder of this run's own, where no child of a run that died still writes.
    Where nothing is published yet, no file is there. An older format is upgraded in the copy.
    What a run that died left over is removed.

    Raises:
        LockedError: Another run holds the warehouse.
        UsageError: A newer version of this package wrote the warehouse.
        StorageError: The warehouse cannot be read or written, or the disk is full.
    """
    warehouse = real_path(warehouse)
    with warehouse_lock(warehouse):
        every = private_dir(warehouse)
        folder = every / token_hex(4)
        try:
            with _writing(warehouse):
                _remove(every)
                make_folder(folder)
                if warehouse.exists():
                    copy_file(warehouse, folder / warehouse.name)
                    _upgrade(folder / warehouse.name, warehouse)
            yield folder / warehouse.name
        finally:
            _remove(every)


def publish(private: Path, warehouse: Path) -> None:
    """Make ``private`` durable, then rename it over ``warehouse``.

    Close every connection to it before. Should the process die in between, the published file is
    either the old one or the new one, whole.

    Raises:
        StorageError: The warehouse cannot be written, or the disk is full.
    """
    warehouse = real_path(warehouse)
    if wal_path(private).exists():
        raise RuntimeError(f"{private} is still open: its write-ahead log has not been folded in")
    if not private.exists():
        raise RuntimeError(f"nothing was written to {private}")
    with _writing(warehouse):
        private.chmod(PRIVATE_MODE)
        _flush(private)
        # Of somebody who wrote the published file and died. DuckDB would add it to the new one.
        wal_path(warehouse).unlink(missing_ok=True)
        private.replace(warehouse)
        _flush(warehouse.parent)


@contextmanager
def writable_copy(warehouse: Path) -> Iterator[Path]:
    """Yield a private copy of ``warehouse`` to write; publish it when the block succeeds.

    When the block raises, or the process dies, the published file stays as it was. Close every
    connection to the copy before the block ends.

    Raises:
        LockedError: Another run holds the warehouse.
        UsageError, StorageError: As for ``private_copy`` and ``publish``.
    """
    with private_copy(warehouse) as private:
        yield private
        publish(private, warehouse)


def _writing(warehouse: Path) -> AbstractContextManager[None]:
    return storage_errors(f"the warehouse {warehouse} cannot be written", remedy=USE_ANOTHER)


def _upgrade(private: Path, warehouse: Path) -> None:
    import duckdb

    from sselfie_insights.warehouse.format import upgrade

    try:
        upgrade(private)
    except duckdb.Error as error:
        raise damaged(warehouse, error) from None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)
