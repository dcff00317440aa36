"""Files that were written for people: which of them name a person, and their removal."""

import re
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sselfie_insights.backup.archive import is_backup
from sselfie_insights.errors import UsageError
from sselfie_insights.forget.person import LEAST_ID, Person
from sselfie_insights.manifest import read_manifest
from sselfie_insights.sql import literal
from sselfie_insights.stripe.reading import read_text
from sselfie_insights.stripe.store import list_files

_DATABASE = b"DUCK"
_UNREADABLE = (OSError, EOFError, RuntimeError, duckdb.Error, zipfile.BadZipFile, zlib.error)
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
    skipped = {path.resolve() for path in exclude}
    for path in _files(folder, skipped) if pattern else ():
        try:
            if is_backup(path):
                beyond.append((path, "a backup: make a new one, and delete this"))
            elif _is_database(path):
                beyond.append((path, "a DuckDB file of your own: it was not searched"))
            elif _names(path, str(pattern)):
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
        if path.is_symlink() or path.resolve() in skipped:
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


def _names(path: Path, pattern: str) -> bool:
    if path.suffix == ".parquet":
        with duckdb.connect() as db:
            row = db.execute(
                f"select bool_or(regexp_matches(cast(rows as varchar), {literal(pattern)}))"
                f" from read_parquet({literal(str(path))}) as rows"
            ).fetchone()
            return bool(row and row[0])
    found = re.compile(pattern.encode(), re.MULTILINE)
    if zipfile.is_zipfile(path):  # a workbook
        with zipfile.ZipFile(path) as archive:
            return any(found.search(archive.read(name)) for name in archive.namelist())
    return found.search(path.read_bytes()) is not None
