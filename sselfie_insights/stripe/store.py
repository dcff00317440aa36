"""The schema ``stripe_export`` of the warehouse: every file that was added, and its rows.

A file is known by its content, whatever its name: another download under the same name is another
file, and one that has left the folder stays, so that nothing that was loaded is ever lost. A file
that is refused changes nothing but the list of refusals.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from sselfie_insights.errors import UsageError
from sselfie_insights.sql import literal
from sselfie_insights.stripe.formats import CHARGES, FORMATS, Field
from sselfie_insights.stripe.reading import Export, parse_export, read_bytes
from sselfie_insights.warehouse.storage import OFFLINE

SCHEMA = "stripe_export"
SUFFIXES = (".csv", ".tsv", ".txt", ".gz", ".zip")
"""Of the files in a folder that are taken for exports; hidden ones are not."""

_TYPES = {
    "id": "varchar",
    "text": "varchar",
    "currency": "varchar",
    "charge_id": "varchar",
    "amount": "bigint",
    "instant": "timestamptz",
    "local": "timestamp",
    "flag": "boolean",
}
_NOT_STORED = frozenset({"connected_account"})


def _columns(kinds: Iterable[str]) -> dict[str, Field]:
    """Return our columns of these kinds of export, by name."""
    return {
        field.name: field
        for form in FORMATS
        if form.kind in kinds
        for field in form.fields.values()
        if field.name not in _NOT_STORED
    }


BALANCE = _columns(("itemized", "history"))
PAYMENTS = _columns(("payments",))


def _create(table: str, fields: dict[str, Field]) -> str:
    columns = ", ".join(f"{name} {_TYPES[field.type]}" for name, field in fields.items())
    return (
        f"create table if not exists {SCHEMA}.{table}"
        f" (file_id varchar not null, line integer not null, {columns});"
    )


TABLES = f"""
create schema if not exists {SCHEMA};
create table if not exists {SCHEMA}.files (
    file_id varchar not null,
    file_name varchar not null,
    kind varchar not null,
    column_names varchar[] not null,
    currencies varchar[] not null,
    row_count integer not null,
    has_charge boolean not null,
    first_at timestamptz,
    last_at timestamptz,
    first_local timestamp,
    last_local timestamp,
    added_at timestamptz not null
);
create table if not exists {SCHEMA}.refusals (
    file_id varchar not null,
    file_name varchar not null,
    reason varchar not null,
    is_in_folder boolean not null
);
{_create("balance_rows", BALANCE)}
{_create("payment_rows", PAYMENTS)}
"""
"""What a file covers stands in ``files``, so that forgetting a person does not narrow it."""


@dataclass(frozen=True)
class Refusal:
    """A file that could not be taken, and why, in words that name line and column."""

    file_name: str
    reason: str
    file_id: str = ""


@dataclass(frozen=True)
class Loaded:
    """What adding files did: the names of those that were new, and the refused ones."""

    added: tuple[str, ...]
    refused: tuple[Refusal, ...]


NOTHING = Loaded((), ())


@dataclass(frozen=True)
class Candidate:
    """A file that the warehouse does not hold; its id is the checksum of its bytes."""

    name: str
    file_id: str
    content: bytes


@dataclass(frozen=True)
class Holdings:
    """What a warehouse knows of exports: the ids of its files, and the folder's refused ones."""

    file_ids: frozenset[str]
    refusals: tuple[Refusal, ...]


def read_holdings(warehouse: Path) -> Holdings:
    """Return what ``warehouse`` knows; nothing where it does not exist yet."""
    if not warehouse.exists():
        return Holdings(frozenset(), ())
    with duckdb.connect(str(warehouse), read_only=True, config=OFFLINE) as db:
        return Holdings(
            frozenset(file_id for (file_id,) in _read(db, "select file_id", "files")),
            _list_refusals(db, "where is_in_folder"),
        )


def list_refusals(db: duckdb.DuckDBPyConnection) -> tuple[Refusal, ...]:
    """Return the files that the open warehouse refused, by name.

    Those of the folder as it was last read, and those that were last added by name.
    """
    return _list_refusals(db, "")


def _list_refusals(db: duckdb.DuckDBPyConnection, where: str) -> tuple[Refusal, ...]:
    rows = _read(db, "select file_name, reason, file_id", f"refusals {where}")
    return tuple(Refusal(*row) for row in sorted(rows))


def _read(db: duckdb.DuckDBPyConnection, select: str, table: str) -> list[tuple[Any, ...]]:
    try:
        return db.execute(f"{select} from {SCHEMA}.{table}").fetchall()
    except duckdb.CatalogException:  # nothing was added yet
        return []


def list_files(folder: Path) -> list[Path]:
    """Return the files in ``folder`` that are taken for exports, by name.

    Raises:
        UsageError: It is no folder, or cannot be read.
    """
    try:
        return sorted(
            path
            for path in folder.iterdir()
            if path.is_file() and not path.name.startswith(".") and path.suffix.lower() in SUFFIXES
        )
    except OSError as error:
        raise UsageError(
            f"the folder of Stripe's exports, {folder}, cannot be read: {error.strerror or error}",
            remedy="create it, or correct the setting 'stripe_exports'",
        ) from None


def read_candidates(paths: Iterable[Path]) -> list[Candidate]:
    """Return the files at ``paths``; of two with the same bytes the first.

    Raises:
        UsageError: A file cannot be read.
    """
    found: dict[str, Candidate] = {}
    for path in paths:
        content = read_bytes(path)
        file_id = sha256(content).hexdigest()
        found.setdefault(file_id, Candidate(path.name, file_id, content))
    return list(found.values())


def parse_candidates(
    candidates: Iterable[Candidate],
) -> tuple[list[Export], list[Refusal]]:
    """Return what was read of the files, and those that are refused."""
    exports, refused = [], []
    for each in candidates:
        try:
            exports.append(parse_export(each.name, each.content))
        except UsageError as error:
            refused.append(Refusal(each.name, str(error), each.file_id))
    return exports, refused


def add(
    db: duckdb.DuckDBPyConnection,
    exports: Sequence[Export],
    refusals: Sequence[Refusal] = (),
    *,
    is_folder: bool = False,
) -> None:
    """Add ``exports``, in their order, to the private copy that is open as ``db``.

    Args:
        db: The open copy; the caller holds the transaction.
        exports: What was read.
        refusals: The refused files, in the place of what was known of such.
        is_folder: Whether the files are those of the folder, or were given by name.
    """
    db.execute(TABLES)
    for export in exports:
        _store(db, export)
    db.execute(f"delete from {SCHEMA}.refusals where is_in_folder = {literal(is_folder)}")
    _insert(
        db,
        "refusals",
        [(each.file_id, each.file_name, each.reason, is_folder) for each in refusals],
    )


def _store(db: duckdb.DuckDBPyConnection, export: Export) -> None:
    kind = export.format.kind
    table, fields = ("payment_rows", PAYMENTS) if kind == "payments" else ("balance_rows", BALANCE)
    at = [row["created_at"] for row in export.rows if "created_at" in row]
    local = [row["created_local"] for row in export.rows if "created_at" not in row]
    facts = (
        export.sha256,
        export.name,
        kind,
        list(export.columns),
        sorted({row["currency"] for row in export.rows}),
        len(export.rows),
        kind == "payments" or any(row["category"] in CHARGES for row in export.rows),
        *(min(at, default=None), max(at, default=None)),
        *(min(local, default=None), max(local, default=None)),
        datetime.now(UTC),
    )
    _insert(db, "files", [facts])
    _insert(
        db,
        table,
        [(export.sha256, row["line"], *(row.get(name) for name in fields)) for row in export.rows],
    )


_AT_ONCE = 2_000
"""Rows of a statement."""


def _insert(db: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        values = ", ".join(
            f"({', '.join(map(_write, row))})" for row in rows[start : start + _AT_ONCE]
        )
        db.execute(f"insert into {SCHEMA}.{table} values {values}")


def _write(value: Any) -> str:
    if isinstance(value, list):
        return f"cast([{', '.join(map(literal, value))}] as varchar[])"
    return literal(value)
