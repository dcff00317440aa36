"""Errors of the disk and of DuckDB's file, in words, and a connection that closes at once."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from sselfie_insights.errors import StorageError, first_line
from sselfie_insights.files import FREE_SPACE, storage_error

Config = dict[str, str | bool | int | float | list[str]]
"""Settings of DuckDB, as it takes them when a connection is opened."""

OFFLINE: Config = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
"""With these no statement and no file makes DuckDB look for an extension, let alone download it."""

REPLACE = (
    "move it away and put a kept publication or a backup in its place, or set SSELFIE_WAREHOUSE"
)
"""What helps when the warehouse cannot be read."""

_FULL = (
    "No space left on device",
    "File too large",
    "Disk quota exceeded",
    "failed to offload data block",  # DuckDB leaves a tenth of the free space to others
)
_READ_ONLY = ("Read-only file system", "Permission denied")
_DAMAGED = (
    "Corrupt database file",  # a block whose checksum is wrong
    "Could not read enough bytes",
    "Failed to deserialize",
)


@contextmanager
def closing(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Close ``connection`` after the block; if that raises, first stop the statement it runs.

    An interrupt ends the call in Python but not the statement, whose threads go on; closing the
    connection or rolling back would wait for them.
    """
    try:
        yield connection
    except BaseException:
        connection.interrupt()
        raise
    finally:
        connection.close()


@contextmanager
def storage_errors(failure: str, *, remedy: str = "") -> Iterator[None]:
    """Turn errors of the disk in the block, and DuckDB's about its file, into a StorageError.

    Args:
        failure: What cannot be done when one happens: ``the journal x cannot be written``.
        remedy: What helps where it is neither the space nor a damaged file.

    Raises:
        StorageError: The disk is full or read-only, a file has vanished or is damaged.
    """
    try:
        yield
    except OSError as error:
        raise storage_error(failure, error, remedy=remedy) from None
    except duckdb.Error as error:
        raise explain_storage(str(error)) or error from None


def explain_storage(text: str) -> StorageError | None:
    """Return what to raise for an error of DuckDB's, if it is about the disk or the file.

    Args:
        text: The error, in DuckDB's words or those of somebody who quotes it.
    """
    for phrase in _FULL:
        if phrase in text:
            return StorageError(f"the warehouse cannot be written: {phrase}", remedy=FREE_SPACE)
    for phrase in _READ_ONLY:
        if "Cannot open file" in text and phrase in text:
            return StorageError(
                f"the warehouse cannot be used: {phrase}",
                remedy="change its permissions, or set SSELFIE_WAREHOUSE",
            )
    for phrase in _DAMAGED:
        if phrase in text:
            return StorageError(f"the warehouse is damaged: {phrase}", remedy=REPLACE)
    return None


def damaged(warehouse: object, error: duckdb.Error) -> StorageError:
    """Return what to raise when DuckDB cannot open the file ``warehouse``."""
    reason = first_line(error)
    if "different configuration" in reason:
        return StorageError(
            f"{warehouse} is open in this process already, with other settings of DuckDB's",
            remedy="close that connection first",
        )
    return StorageError(f"{warehouse} is damaged, or not a warehouse: {reason}", remedy=REPLACE)
