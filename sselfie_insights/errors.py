"""Every error that a user can meet, and the exit code that each one carries.

::

    SselfieError            1  a bug, or something nobody foresaw
    ├── UsageError          2  a flag, a setting or a file that the user wrote is wrong
    │   └── UnknownError    2  the source lacks what a number is made from
    ├── StorageError        2  the disk is full or read-only, or a file of ours is damaged or gone
    ├── SourceError         3  Postgres or Spark cannot be reached, or not be read
    ├── ChecksFailedError   4  checks failed; nothing was published
    ├── StaleError          5  the data is older than asked for
    ├── MigrationError      6  a migration was refused, or failed
    ├── MirrorDiffersError  7  the mirror differs from its source
    ├── LockedError        75  another run holds the warehouse
    └── TimedOutError     130  the run took longer than it was given

A message says what happened and where; ``remedy`` says what to do next.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The exit codes of ``sselfie``, as the README lists them."""

    DONE = 0
    BUG = 1
    USAGE = 2
    SOURCE = 3
    CHECKS_FAILED = 4
    STALE = 5
    MIGRATION = 6
    MIRROR_DIFFERS = 7
    ALERT = 8
    LOCKED = 75
    INTERRUPTED = 130


class SselfieError(Exception):
    """An error that is printed in one line, without a traceback.

    Args:
        message: What happened, and where.
        remedy: What to do next; printed after the message.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        joint = " " if self.message.endswith("?") else ": "
        return f"{self.message}{joint}{self.remedy}" if self.remedy else self.message


class UsageError(SselfieError):
    """A flag, a setting or a file that the user wrote is wrong."""

    exit_code = ExitCode.USAGE


class UnknownError(UsageError):
    """The source lacks what a number is made from, or a setting that says where it is.

    Args:
        message: What is not known, and why.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, remedy="run 'sselfie doctor'")


class StorageError(SselfieError):
    """The disk is full or read-only, or a file of ours cannot be used."""

    exit_code = ExitCode.USAGE


class SourceError(SselfieError):
    """Postgres cannot be reached, or not be read as the mirror needs; or Spark not reached."""

    exit_code = ExitCode.SOURCE


class ChecksFailedError(SselfieError):
    """Checks failed, so nothing was published."""

    exit_code = ExitCode.CHECKS_FAILED


class StaleError(SselfieError):
    """The published data is older than what was asked for."""

    exit_code = ExitCode.STALE


class MigrationError(SselfieError):
    """A migration was refused, or failed."""

    exit_code = ExitCode.MIGRATION


class MirrorDiffersError(SselfieError):
    """The mirror differs from its source."""

    exit_code = ExitCode.MIRROR_DIFFERS


class LockedError(SselfieError):
    """Another run holds the warehouse."""

    exit_code = ExitCode.LOCKED


class TimedOutError(SselfieError):
    """The run took longer than it was given, and was stopped."""

    exit_code = ExitCode.INTERRUPTED


def first_line(error: BaseException) -> str:
    """Return the first line of an error; DuckDB and libpq add hints and positions below it."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def name_some(names: Iterable[object], most: int = 5) -> str:
    """Return the first names and how many more there are: ``a, b and 3 more``."""
    every = [str(name) for name in names]
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest of ``known`` to ``name``, or nothing.

    The last part of a name with slashes is as good as the whole.
    """
    import difflib

    names = {known_name.rpartition("/")[2]: known_name for known_name in known}
    names |= {known_name: known_name for known_name in names.values()}
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {names[close[0]]!r}?" if close else ""
