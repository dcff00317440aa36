"""Files that were written for people: which of them name a person, and their removal."""

import bz2
import gzip
import html
import lzma
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO
from urllib.parse import unquote

import duckdb

from sselfie_insights.backup.archive import is_backup
from sselfie_insights.errors import UsageError
from sselfie_insights.files import real_path
from sselfie_insights.forget.person import LEAST_ID, Person
from sselfie_insights.manifest import read_manifest
from sselfie_insights.sql import literal
from sselfie_insights.stripe.reading import read_text
from sselfie_insights.stripe.store import list_files
from sselfie_insights.warehouse.storage import OFFLINE

_DATABASE = b"DUCK"
_PACKED: tuple[tuple[bytes, Callable[[IO[bytes]], BufferedIOBase]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zX", lzma.LZMAFile),
)
"""How packed files begin, and what opens them."""

_MOST_DEPTH = 4
_MOST_BYTES = 1 << 30
"""How deep, and how much, is unpacked: whatever packs more was made to do harm."""

_PART = 1 << 24
_OVERLAP = 4096
"""How many bytes are searched at once; no mention is longer than what two parts share."""

_ROWS = 10_000

_ESCAPED = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")
_QUOTED = re.compile("=([0-9A-Fa-f]{2})")
_ESCAPED_LETTER = re.compile(r"\\+[bfnrt\"/]")
_UNREADABLE = (
    OSError, EOFError, RuntimeError, ValueError, duckdb.Error, zipfile.BadZipFile, zlib.error,
    lzma.LZMAError,
)  # fmt: skip
"""What a damaged file raises, or a locked one; to ``zipfile`` damage can look like a password."""


@dataclass(frozen=True)
class Outputs:
    """What names the person outside the warehouse.

    Attributes:
        remove: Files, and whole exports, that can be made again.
        unerasable: Files that are somebody's own to deal with, and why.
    """

    remove: tuple[Path, ...]
    unerasable: tuple[tuple[Path, str], ...]


def find_outputs(folder: Path, person: Person, *, exclude: Iterable[Path]) -> Outputs:
    """Search every file below ``folder`` for ``person``.

    Args:
        folder: Where reports and exports are written; it need not exist.
        person: Who is to be forgotten.
        exclude: The warehouse and what lies beside it, which are not outputs.
    """
    pattern = person.pattern()
    remove: dict[Path, None] = {}
    beyond = []
    skipped = {real_path(path) for path in exclude}
    for path in _files(folder, skipped) if pattern else ():
        try:
            if is_backup(path):
                beyond.append((path, "a backup: make a new one, and delete this"))
            elif _is_database(path):
                beyond.append((path, "a DuckDB file of your own: it was not searched"))
            elif _names(path, folder, str(pattern)):
                remove[_unit(path, folder)] = None
        except _UNREADABLE as error:
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            beyond.append((path, f"it cannot be read: {reason}"))
    return Outputs(tuple(remove), tuple(beyond))


def find_exports(folder: Path, person: Person) -> Iterator[tuple[Path, str]]:
    """Yield Stripe's exports in ``folder`` that name ``person`` or cannot be searched, and why."""
    names = [each.encode() for each in person.keys if len(each) >= LEAST_ID]
    pattern = re.compile(b"|".join(map(re.escape, names)), re.IGNORECASE)
    for path in list_files(folder) if names else ():
        try:
            if pattern.search(read_text(path).encode()):
                yield path, "an export of Stripe's that names the person: delete it"
        except UsageError as error:
            yield path, str(error)


def remove_outputs(outputs: Outputs) -> None:
    """Remove what can be made again.

    Raises:
        OSError: Something cannot be removed.
    """
    for path in outputs.remove:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _files(folder: Path, skipped: set[Path]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_symlink() or real_path(path) in skipped:
            continue
        if path.is_dir():
            yield from _files(path, skipped)
        elif path.is_file():
            yield path


def _unit(path: Path, folder: Path) -> Path:
    """Return the export that ``path`` is a part of, and of no use without it; else ``path``."""
    for parent in path.parents:
        if parent == folder or folder not in parent.parents:
            break
        if read_manifest(parent, "sources"):
            return parent
    return path


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == _DATABASE


def _names(path: Path, folder: Path, pattern: str) -> bool:
    """Say whether a file, or the name under which it lies below ``folder``, names the person."""
    found = re.compile(pattern, re.MULTILINE)
    if any(map(found.search, _readings(str(path.relative_to(folder))))):
        return True
    if path.suffix == ".parquet":
        with duckdb.connect(config=OFFLINE) as db:
            texts = db.execute(
                f"select cast(rows as varchar) from read_parquet({literal(str(path))}) as rows"
            )
            while rows := texts.fetchmany(_ROWS):
                if _is_in("\n".join(text for (text,) in rows if text).encode(), found):
                    return True
        return False
    with path.open("rb") as file:
        return _is_within(file, found)


def _is_within(file: IO[bytes], found: re.Pattern[str], depth: int = 0) -> bool:
    """Say whether a file names the person, or what is packed in it does.

    Raises:
        OSError: Too much, or too deep, is packed in it.
    """
    head = file.read(4)
    file.seek(0)
    if depth > _MOST_DEPTH:
        raise OSError("archives lie in archives too deep to be searched")
    if head == b"PK\x03\x04" and zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            if any(_is_in(name.encode(), found) for name in archive.namelist()):
                return True
            for each in archive.infolist():
                with archive.open(each) as packed, _unpacked(packed) as whole:
                    if _is_within(whole, found, depth + 1):
                        return True
        return False
    for mark, opener in _PACKED:
        if head.startswith(mark):
            with opener(file) as member, _unpacked(member) as whole:
                if _is_within(whole, found, depth + 1):
                    return True
            return False
    before = b""
    while part := file.read(_PART):
        if _is_in(before + part, found):
            return True
        before = part[-_OVERLAP:]
    return False


@contextmanager
def _unpacked(packed: IO[bytes] | BufferedIOBase) -> Iterator[IO[bytes]]:
    """Yield what is packed as a file of its own, in memory if it is small."""
    with SpooledTemporaryFile(_PART) as whole:
        size = 0
        while part := packed.read(_PART):
            size += whole.write(part)
            if size > _MOST_BYTES:
                raise OSError(f"it unpacks to more than {_MOST_BYTES >> 30} GB")
        whole.seek(0)
        yield whole


def _is_in(content: bytes, found: re.Pattern[str]) -> bool:
    """Say whether bytes name the person, in whatever way texts are written as bytes."""
    texts = [content.decode("utf-8", "replace")]
    if not content.isascii():
        texts.append(content.decode("latin-1"))
    if b"\0" in content:
        for start in (0, 1):
            texts += [content[start:].decode(f"utf-16-{e}", "replace") for e in ("le", "be")]
    return any(found.search(reading) for text in texts for reading in _readings(text))


def _readings(text: str) -> Iterator[str]:
    """Yield a text as it stands, and without what URLs, HTML, JSON and mail write instead."""
    yield text
    if "=" in text:
        yield _QUOTED.sub(lambda found: chr(int(found[1], 16)), re.sub("=\r?\n", "", text))
    for _ in range(2):  # a link in HTML is written in two ways at once
        plain = _ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
        plain = unquote(html.unescape(_ESCAPED_LETTER.sub(" ", plain)))
        if plain == text:
            return
        yield (text := plain)
