"""Pseudonyms of people and payments: what stands for an id in what is made for others.

They are keyed by a secret beside the warehouse, so that the same id has the same pseudonym from run
to run and in every file, and nobody without the secret can tell which id it is, by trying all of
them either.
"""

import hmac
import os
import re
import secrets
from pathlib import Path

from sselfie_insights.errors import UsageError
from sselfie_insights.files import read_own, storage_error, write_file
from sselfie_insights.warehouse.paths import pseudonym_key_path

_KEY = re.compile(rb"[0-9a-f]{64}\n")
_LENGTH = 24
"""Characters of a pseudonym: 96 bits, so that two of a billion ids share none by chance."""


def write_pseudonym(key: bytes, value: str) -> str:
    """Return what stands for ``value``: the beginning of its HMAC-SHA-256 (RFC 2104)."""
    return hmac.digest(key, value.encode(), "sha256").hex()[:_LENGTH]


def read_key(warehouse: Path) -> bytes:
    """Return the key of the pseudonyms of ``warehouse``, drawn where there is none yet.

    Raises:
        UsageError: The file beside the warehouse holds no key.
        StorageError: It cannot be read or written.
    """
    path = pseudonym_key_path(warehouse)
    try:
        content = read_own(path) or _draw(path)
    except OSError as error:
        raise storage_error(f"{path} cannot be read or written", error) from None
    return parse_key(content, path)


def find_key(warehouse: Path) -> bytes | None:
    """Return the key of the pseudonyms of ``warehouse``; None where none was drawn.

    Raises:
        UsageError: The file beside the warehouse holds no key.
        StorageError: It cannot be read.
    """
    path = pseudonym_key_path(warehouse)
    try:
        content = read_own(path)
    except OSError as error:
        raise storage_error(f"{path} cannot be read", error) from None
    return parse_key(content, path) if content else None


def parse_key(content: bytes, path: Path) -> bytes:
    """Return the key that the file at ``path`` holds as ``content``.

    Raises:
        UsageError: It is none.
    """
    if _KEY.fullmatch(content) is None:
        raise UsageError(
            f"{path} does not hold the key of pseudonyms that was written",
            remedy="restore it from a backup, or delete it: exports then have new pseudonyms",
        )
    return bytes.fromhex(content.decode())


def _draw(path: Path) -> bytes:
    """Write a new key, unless another process has written one by now; return what is there."""
    drawn = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    write_file(drawn, f"{secrets.token_hex(32)}\n".encode())
    try:
        os.link(drawn, path)  # which replaces nothing, and never shows half a key
    except FileExistsError:
        pass
    finally:
        drawn.unlink()
    return read_own(path)
