"""What every use of a DuckDB file needs: to let go of it at once, and words for its errors."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from sselfie_insights.errors import UsageError

REPLACE = (
    "move it away and put a kept publication or a backup in its place, or set SSELFIE_WAREHOUSE"
)
"""What helps when the warehouse cannot be read."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""How the operating system says that there is no room."""

_FULL = (
    "No space left on device",
    "File too large",
    "Disk quota exceeded",
    "failed to offload data block",  # DuckDB leaves a tenth of the free space to others
)
_DAMAGED = (
    "Corrupt database file",  # a block whose checksum is wrong
    "Could not read enough bytes",
    "Failed to deserialize",
)


@contextmanager
def ending(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Close ``connection`` after the block; when that raises, stop first what DuckDB still does.

    An interrupt ends the call in Python and not the statement, whose threads go on; whoever closes
    the connection then, or rolls back, waits for them.
    """
    try:
        yield connection
    except BaseException:
        connection.interrupt()
        raise
    finally:
        connection.close()


def explain_storage(text: str) -> UsageError | None:
    """Return what to raise for an error of DuckDB's, if its words are about the disk or the file.

    Args:
        text: The error, in DuckDB's words or those of somebody who quotes it.
    """
    for phrase in _FULL:
        if phrase in text:
            return UsageError(
                f"the warehouse cannot be written: {phrase}", remedy="free some space"
            )
    for phrase in _DAMAGED:
        if phrase in text:
            return UsageError(f"the warehouse is damaged: {phrase}", remedy=REPLACE)
    return None
