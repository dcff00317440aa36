"""The migration files of a folder: named, numbered without gaps, hashed and split."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sselfie_insights.errors import MigrationError, UsageError
from sselfie_insights.migrate.statements import Statement, split

PACKAGED = Path(__file__).parent / "migrations"

_FILE_NAME = re.compile(r"(\d{4})_([a-z][a-z0-9]*(?:_[a-z0-9]+)+)\.sql")
_DIRECTIVE = re.compile(r"^[ \t]*--[ \t]*(migrate|lint):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_IGNORE = re.compile(r"ignore\s+(\S+)\s+(\S.*)")
_CONTROL = frozenset(
    {"begin", "commit", "rollback", "abort", "end", "savepoint", "release", "start", "prepare"}
)


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
        sha256: Hex digest of its text, without byte-order mark and with line ends of one character.
        statements: What it does, in order.
        in_transaction: Whether it runs in one transaction; no with ``-- migrate: no-transaction``.
        ignores: The lint findings that it waives.
    """

    version: int
    name: str
    path: Path
    sha256: str
    statements: tuple[Statement, ...]
    in_transaction: bool
    ignores: tuple[Ignore, ...]

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
    migrations = [read_migration(path) for path in sorted(folder.glob("*.sql"))]
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


def read_migration(path: Path) -> Migration:
    """Return the migration in the file ``path``.

    Raises:
        MigrationError: Its name, encoding, syntax or directives are wrong, or it is empty.
    """
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise MigrationError(
            f"{path.name} is not a migration's name", remedy="name it 0001_<verb>_<noun>.sql"
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise MigrationError(f"{path.name} cannot be read as UTF-8 text: {error}") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        if "\0" in text:
            raise MigrationError("it holds zero bytes, so it is no SQL")
        statements = tuple(split(text))
        _refuse_what_no_runner_can_send(statements)
        in_transaction, ignores = _read_directives(text)
    except MigrationError as error:
        raise MigrationError(f"{path.name}: {error.message}", remedy=error.remedy) from None
    if not statements:
        raise MigrationError(f"{path.name} holds no statement", remedy="write it, or delete it")
    return Migration(
        version=int(match[1]),
        name=match[2],
        path=path,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        statements=statements,
        in_transaction=in_transaction,
        ignores=ignores,
    )


def digest_statements(statements: Iterable[Statement]) -> str:
    """Return one hex digest of the text of ``statements``."""
    return hashlib.sha256(
        ";\n".join(statement.sql for statement in statements).encode()
    ).hexdigest()


def _refuse_what_no_runner_can_send(statements: Iterable[Statement]) -> None:
    for statement in statements:
        first = statement.tokens[0]
        if first.kind == "word" and first.text in _CONTROL:
            raise MigrationError(
                f"line {statement.line}: {first.text.upper()} inside a migration",
                remedy="leave transactions to the runner, or write '-- migrate: no-transaction'",
            )
        if first.text == "copy" and " from stdin" in statement.words:
            raise MigrationError(
                f"line {statement.line}: COPY FROM STDIN has no input here", remedy="use INSERT"
            )


def _read_directives(text: str) -> tuple[bool, tuple[Ignore, ...]]:
    in_transaction = True
    ignores = []
    for match in _DIRECTIVE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        kind, value = match.groups()
        ignore = _IGNORE.fullmatch(value)
        if kind == "migrate" and value == "no-transaction":
            in_transaction = False
        elif kind == "lint" and ignore is not None:
            ignores.append(Ignore(ignore[1], ignore[2], line))
        else:
            raise MigrationError(
                f"line {line}: '-- {kind}: {value}' is not understood",
                remedy="write '-- migrate: no-transaction' or '-- lint: ignore <rule> <reason>'",
            )
    return in_transaction, tuple(ignores)
