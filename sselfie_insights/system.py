"""What differs between Linux and macOS: flushing, copying and exchanging files, holding folders.

Everywhere else the package asks for what both have. Of macOS, names of files that differ only in
case are one, and the temporary folder is reached through a link: paths are compared resolved, or as
files. Neither is asked for ``/proc``.
"""

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""How the operating system says that there is no room."""

_HERE = -100
"""AT_FDCWD of Linux: paths begin in the working directory."""

_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux's renameat2(2), and RENAME_SWAP of macOS's renamex_np(2)."""


_COMMON = ("HOME", "LANG", "LANGUAGE", "LC_", "LD_LIBRARY_PATH", "DYLD_", "LOGNAME", "PATH", "TMP",
           "TEMP", "TZ", "USER", "XDG_", "COVERAGE_")  # fmt: skip
"""Variables, or their beginnings, that any program may need."""


def child_environment(*prefixes: str, **variables: str) -> dict[str, str]:
    """Return the environment of a child process: what any program needs, and what it is given.

    Addresses, passwords and tokens of ours, or of whoever else put them there, stay out.

    Args:
        *prefixes: Beginnings of further variables that it may have.
        **variables: What it is given.
    """
    passed = _COMMON + prefixes
    return {
        name: value for name, value in os.environ.items() if name.startswith(passed)
    } | variables


PRIVATE = ("SSELFIE_", "PG", "DBT_")
"""Beginnings of the variables that may hold addresses and passwords of databases."""


@contextmanager
def hidden_environment() -> Iterator[None]:
    """Take the variables of ``PRIVATE`` out of the environment while others start processes."""
    names = [name for name in os.environ if name.startswith(PRIVATE)]
    hidden = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(hidden)


def is_full(error: OSError) -> bool:
    """Say whether ``error`` means that there is no room on the disk."""
    return error.errno in _FULL


def flush(descriptor: int) -> None:
    """Wait until what was written to ``descriptor`` outlasts a loss of power.

    On macOS fsync(2) leaves it in the drive's own cache; F_FULLFSYNC of fcntl(2) does not.

    Raises:
        OSError: It could not be written.
    """
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError:  # a drive of another machine's does not know it
            os.fsync(descriptor)
    else:
        os.fsync(descriptor)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file inside the kernel, which shares its blocks where the file system can.

    Raises:
        OSError: It cannot be read or written, or there is no room.
    """
    if sys.platform == "darwin":
        target.unlink(missing_ok=True)  # clonefile(2) writes over nothing
        if _call("clonefile", os.fsencode(source), os.fsencode(target), 0):
            return
    elif hasattr(os, "copy_file_range"):
        with source.open("rb") as read, target.open("wb") as write:
            try:
                while os.copy_file_range(read.fileno(), write.fileno(), 1 << 30):
                    pass
            except OSError as error:
                if is_full(error):
                    raise
            else:
                return
    shutil.copyfile(source, target)


def exchange(one: Path, other: Path) -> None:
    """Give each of two folders the name of the other, with no instant without either if possible.

    Raises:
        OSError: They cannot be renamed.
    """
    paths = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        is_done = _call("renamex_np", *paths, _EXCHANGE)
    else:
        is_done = _call("renameat2", _HERE, paths[0], _HERE, paths[1], _EXCHANGE)
    if not is_done:
        old = one.with_name(f"{one.name}.old")
        other.rename(old)
        one.rename(other)
        old.rename(one)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a lock on ``folder``, which ends with the process at the latest.

    Raises:
        BlockingIOError: Another process holds it.
    """
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _call(name: str, *arguments: int | bytes) -> bool:
    """Call a function of the C library that Python does not have; say whether it succeeded."""
    function = getattr(ctypes.CDLL(None), name, None)
    return function is not None and function(*arguments) == 0
