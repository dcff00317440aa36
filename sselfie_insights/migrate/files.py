"""The migration files of a folder: named, numbered without gaps, hashed and split."""

import hashlib
import re
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sselfie_insights.errors import MigrationError, UsageError
from sselfie_insights.migrate.statements import Comment, Statement, split

PACKAGED = Path(__file__).parent / "migrations"

_FILE_NAME = re.compile(r"([0-9]{4})_(.+)\.sql")
_DIRECTIVE = re.compile(r"\s*(migrate|lint):\s*(.*?)\s*")
_DIRECTIVES = frozenset({"no-transaction", "skip-missing"})
_COPY = re.compile(r"copy .* (from stdin|to stdout)\b")
_IGNORE = re.compile(r"ignore\s+(\S+)\s+(\S.*)")


@dataclass(frozen=True)
class Ignore:
    """A lint finding that the author waived for the statement that follows, and why."""

    rule: str
    reason: str
    line: int


@dataclass(frozen=True)
class Migration:
    """One migration file.

    Attributes:
        version: Its number, from 1.
        name: The file's name without number and suffix.
        path: Where it lies.
        sha256: The hex digest of its text, without byte-order mark and carriage returns.
        statements: What it does, in order.
        in_transaction: Whether it runs in one transaction; no with ``-- migrate: no-transaction``.
        skips_missing: Whether a statement about a table or column that this database lacks is
            passed over; yes with ``-- migrate: skip-missing``.
        ignores: The lint findings that it waives.
    """

    version: int
    name: str
    path: Path
    sha256: str
    statements: tuple[Statement, ...]
    in_transaction: bool
    skips_missing: bool
    ignores: tuple[Ignore, ...]

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """The hex digest of the first 0, 1, 2 … statements."""
        digest = hashlib.sha256()
        digests = [digest.hexdigest()]
        for number, statement in enumerate(self.statements):
            digest.update((";\n" if number else "").encode() + statement.sql.encode())
            digests.append(digest.hexdigest())
        return tuple(digests)

    @cached_property
    def waivers(self) -> dict[tuple[int, str], Ignore]:
        """What it waives, by the line of the statement that follows and the rule."""
        lines = [statement.line for statement in self.statements]
        places = [(bisect(lines, ignore.line), ignore) for ignore in self.ignores]
        return {(lines[place], each.rule): each for place, each in places if place < len(lines)}

    @property
    def label(self) -> str:
        """The number and name as people say it: ``0007_create_chats``."""
        return f"{self.version:04d}_{self.name}"


def load_migrations(folder: Path = PACKAGED) -> list[Migration]:
    """Return the migrations of ``folder`` in order.

    Raises:
        UsageError: There is no such folder.
        MigrationError: A file cannot be what it claims: its name, encoding or syntax is wrong, it
            is empty, or the numbers are not 1, 2, 3 …
    """
    if not folder.is_dir():
        raise UsageError(f"no folder of migrations at {folder}", remedy="set SSELFIE_MIGRATIONS")
    migrations = [_read_migration(path) for path in sorted(folder.iterdir()) if _is_meant(path)]
    for expected, migration in enumerate(migrations, start=1):
        if migration.version == expected - 1:
            raise MigrationError(
                f"two migrations have the number {migration.version:04d} in {folder}",
                remedy="give the newer one the next free number",
            )
        if migration.version != expected:
            raise MigrationError(
                f"migration {expected:04d} is missing from {folder}",
                remedy="restore it, or number the files without gaps",
            )
    return migrations


def _read_migration(path: Path) -> Migration:
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise MigrationError(
            f"{path.name} is not a migration's name",
            remedy="name it 0001_<what it does>.sql, with the next number and the suffix .sql",
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise MigrationError(f"{path.name} cannot be read as UTF-8 text: {error}") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        if "\0" in text:
            raise MigrationError("it holds zero bytes, so it is no SQL")
        statements, comments = split(text)
        _refuse_copy(statements)
        directives, ignores = _read_directives(comments)
    except MigrationError as error:
        raise MigrationError(f"{path.name}: {error.message}", remedy=error.remedy) from None
    if not statements:
        raise MigrationError(f"{path.name} holds no statement", remedy="write it, or delete it")
    return Migration(
        version=int(match[1]),
        name=match[2],
        path=path,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        statements=tuple(statements),
        in_transaction="no-transaction" not in directives,
        skips_missing="skip-missing" in directives,
        ignores=ignores,
    )


def create_migration(folder: Path, name: str, *, in_transaction: bool = True) -> Path:
    """Write a migration with the next free number and no statement yet; return its path.

    Raises:
        UsageError: ``name`` cannot be part of a file's name.
        MigrationError: A file that is there already is wrong.
    """
    if not name.strip() or Path(name).name != name:
        raise UsageError(f"{name!r} is no part of a file's name", remedy="write it like add_plans")
    folder.mkdir(parents=True, exist_ok=True)
    number = len(load_migrations(folder)) + 1
    path = folder / f"{number:04d}_{name}.sql"
    head = "-- What this changes, and why.\n"
    path.write_text(head + ("" if in_transaction else "-- migrate: no-transaction\n"))
    return path


def _is_meant(path: Path) -> bool:
    """Say whether a file means to be a migration, by its suffix or its number."""
    return not path.name.startswith(".") and (
        path.suffix.lower() == ".sql" or path.name[0].isdigit()
    )


def _refuse_copy(statements: Iterable[Statement]) -> None:
    """Refuse what would send rows to or from a client that has none and wants none."""
    for statement in statements:
        if found := _COPY.match(statement.words):
            raise MigrationError(
                f"line {statement.line}: COPY {found[1].upper()} has no client here",
                remedy="use INSERT, or leave it out",
            )


def _read_directives(comments: Iterable[Comment]) -> tuple[set[str], tuple[Ignore, ...]]:
    directives = set()
    ignores = []
    for comment in comments:
        match = _DIRECTIVE.fullmatch(comment.text)
        if match is None:
            continue
        kind, value = match.groups()
        if not comment.stands_alone:
            raise MigrationError(
                f"line {comment.line}: '-- {kind}: {value}' stands inside or behind a statement",
                remedy="give it a line of its own, before the statement",
            )
        ignore = _IGNORE.fullmatch(value)
        if kind == "migrate" and value in _DIRECTIVES:
            directives.add(value)
        elif kind == "lint" and ignore is not None:
            ignores.append(Ignore(ignore[1], ignore[2], comment.line))
        else:
            raise MigrationError(
                f"line {comment.line}: '-- {kind}: {value}' is not understood",
                remedy="write '-- migrate: no-transaction', '-- migrate: skip-missing' or "
                "'-- lint: ignore <rule> <reason>'",
            )
    if directives == {"skip-missing"}:
        raise MigrationError(
            "'-- migrate: skip-missing' needs '-- migrate: no-transaction' beside it",
            remedy="add it, or leave both out",
        )
    return directives, tuple(ignores)
