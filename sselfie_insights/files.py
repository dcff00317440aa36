"""Files and folders that are written whole or not at all, for their owner alone."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.system import exchange, flush, held, is_full

PRIVATE_MODE = 0o600

FREE_SPACE = "free some space"

_HEAD = 4096
"""How many bytes tell a file's kind."""

_MARKS = (
    (8, b"duck", "a DuckDB file"),
    (0, b"sqlite format 3", "an SQLite file"),
    (0, b"par1", "Parquet"),
    (0, b"pk\x03\x04", "a workbook or archive"),
    (0, b"<!doctype html", "HTML"),
    (0, b"[", "JSON"),
    (0, b"{", "JSON"),
)
"""Where in a file its kind is marked, by what, and the kind in words."""

_BY_HAND = frozenset({".sql", ".yml", ".yaml", ".toml", ".py", ".md", ".env", ".jsonl", ".duckdb"})
"""Endings of what people write, and of what a warehouse consists of."""


def real_path(path: Path) -> Path:
    """Return ``path`` without links; one that leads in a circle stays, and is then no file."""
    return Path(os.path.realpath(path))


def make_folder(path: Path) -> None:
    """Create the folder ``path`` and those above it, for their owner alone whatever the umask is.

    Those that are there stay as they are.

    Raises:
        OSError: One cannot be created.
    """
    for folder in reversed([path, *path.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)


def read_own(path: Path) -> bytes:
    """Return what the file ``path`` of ours holds; nothing where there is none.

    Raises:
        OSError: It cannot be read, or is no file: a pipe would be waited for.
    """
    if not os.path.lexists(path):
        return b""
    if not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return path.read_bytes()


def storage_error(failure: str, error: OSError, *, remedy: str = "") -> StorageError:
    """Return what to raise for an error of the operating system's about a file of ours.

    Args:
        failure: What cannot be done: ``the journal x cannot be written``.
        error: Why.
        remedy: What helps where it is not the space.
    """
    reason = error.strerror or str(error)
    return StorageError(f"{failure}: {reason}", remedy=FREE_SPACE if is_full(error) else remedy)


def read_text(path: Path) -> str:
    """Return the text of ``path``.

    Raises:
        UsageError: It cannot be read, or is not UTF-8.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise UsageError(f"{path} is no regular file")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} cannot be read: {error}", remedy="save it as UTF-8") from None


def write_file(
    path: Path, content: bytes, *, is_durable: bool = True, mode: int = PRIVATE_MODE
) -> None:
    """Write ``content`` to ``path`` whole or not at all, readable by its owner alone.

    What is there and is no file, such as ``/dev/null`` or a pipe, is written to, never replaced.

    Args:
        path: Where to.
        content: What.
        is_durable: Whether it must outlast a loss of power from now on; waiting for that takes
            milliseconds a file, and what is made again at any time need not.
        mode: Who may read it, where others than its owner may.

    Raises:
        StorageError: The folder does not exist or cannot be written, or the disk is full.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
            return
        private = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), mode)  # whatever the umask is
                if is_durable:
                    file.flush()
                    flush(file.fileno())
            private.replace(path)
        except BaseException:
            private.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise storage_error(f"{path} cannot be written", error) from None


def require_replaceable(path: Path, content: bytes) -> None:
    """Refuse to write ``content`` over a file that a command of ours did not write.

    That is a file of another kind, by its first bytes, or one whose name says that somebody wrote
    it by hand. An empty file, and what is no file, may be written to.

    Raises:
        UsageError: It names the file.
    """
    try:
        with path.open("rb") as file:
            before = file.read(_HEAD) if path.is_file() else b""
    except OSError:  # there is none, or writing will say what is wrong
        return
    kind = _kind(before)
    if before and (kind != _kind(content[:_HEAD]) or path.suffix.lower() in _BY_HAND):
        raise UsageError(
            f"{path} is there and is no table or page of ours ({kind})",
            remedy="choose another name for -o, or remove it first",
        )


def _kind(head: bytes) -> str:
    """Say what a file is that begins with ``head``."""
    for start, mark, kind in _MARKS:
        if head[start : start + len(mark)].lower() == mark:
            return kind
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else a character is cut at the end
            return "binary"
        text = ""
    return "binary" if "\0" in text else "text"


def append_line(path: Path, line: str) -> None:
    """Add ``line`` to the file at ``path``, durably and in one write, readable by its owner alone.

    Raises:
        OSError: The file cannot be written.
    """
    content = f"{line}\n".encode()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, PRIVATE_MODE)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            content = b"\n" + content  # after a line that was cut short
        os.write(descriptor, content)
        flush(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill, which takes the place of ``folder`` once the block ends well.

    Until then, what is there stays; where the file system can exchange two names, there is no
    instant without either. What a killed process left to fill beside it is removed.

    Raises:
        OSError: The folder cannot be written.
    """
    folder = real_path(folder)
    make_folder(folder.parent)
    # Of any name: the folders of nightly exports are called by their second.
    for left in folder.parent.glob(f".*.{'[0-9a-f]' * 8}.partial"):
        with suppress(OSError), held(left):  # nobody fills it any more
            shutil.rmtree(left)
    private = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    make_folder(private)
    try:
        with held(private):
            yield private
            if folder.exists():
                exchange(private, folder)
            else:
                private.rename(folder)
    finally:
        shutil.rmtree(private, ignore_errors=True)
