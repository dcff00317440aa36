"""Files of text that people write, and our own: whole or not at all, for their owner alone."""

import os
import secrets
from pathlib import Path

from sselfie_insights.errors import UsageError

PRIVATE_MODE = 0o600


def read_text(path: Path) -> str:
    """Return the text of ``path``.

    Raises:
        UsageError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} cannot be read: {error}", remedy="save it as UTF-8") from None


def write_file(path: Path, content: bytes, *, is_durable: bool = True) -> None:
    """Write ``content`` to ``path`` whole or not at all, readable by its owner alone.

    What is there and is no file, such as ``/dev/null`` or a pipe, is written to, never replaced.

    Args:
        path: Where to.
        content: What.
        is_durable: Whether it must outlast a loss of power from now on; waiting for that takes
            milliseconds a file, and what is made again at any time need not.

    Raises:
        UsageError: The folder does not exist or cannot be written, or the disk is full.
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
                if is_durable:
                    file.flush()
                    os.fsync(file.fileno())
            private.replace(path)
        except BaseException:
            private.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
