"""A folder that takes the place of another whole, at one instant."""

import ctypes
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill, which takes the place of ``folder`` once the block ends well.

    Until then, what is there stays; where the file system can exchange two names, there is no
    instant without either. What a killed process left to fill beside it is removed.

    Raises:
        OSError: The folder cannot be written.
    """
    folder = Path(os.path.realpath(folder))  # resolve() takes a link to itself for a bug
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Of any name: the folders of nightly exports are called by their second.
    for left in folder.parent.glob(f".*.{'[0-9a-f]' * 8}.partial"):
        with suppress(OSError), _held(left):  # nobody fills it any more
            shutil.rmtree(left)
    private = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    private.mkdir(mode=0o700)
    try:
        with _held(private):
            yield private
            if folder.exists():
                _exchange(private, folder)
            else:
                private.rename(folder)
    finally:
        shutil.rmtree(private, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a lock on ``folder``, which ends with the process at the latest.

    Raises:
        BlockingIOError: Another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _exchange(one: Path, other: Path) -> None:
    """Give each of two folders the name of the other: renameat2(2), which Python does not have."""
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename and not rename(here, os.fsencode(one), here, os.fsencode(other), exchange):
        return
    old = one.with_name(f"{one.name}.old")
    other.rename(old)
    one.rename(other)
    old.rename(one)
