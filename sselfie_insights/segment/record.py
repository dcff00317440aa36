"""What was exported: one line for every segment and day, beside the warehouse.

``<warehouse>.segments.jsonl`` is append-only JSON lines, readable by its owner alone. It holds ids
and reasons, never an address or a name. No publication replaces it: it is what makes an export of
the same day give the same file, keeps anyone from being written to twice, and lets the effect be
measured weeks later.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sselfie_insights.errors import LockedError, UsageError
from sselfie_insights.files import append_line, read_own, write_file
from sselfie_insights.warehouse.lock import file_lock
from sselfie_insights.warehouse.paths import exports_record_path
from sselfie_insights.warehouse.storage import storage_errors


@dataclass(frozen=True)
class PastExport:
    """An export as it was made.

    Attributes:
        segment: Its short name, e.g. ``win_back``.
        exported_on: The day that the data spoke for, in the reporting zone.
        parameters: What the segment's query ran with, as text.
        holdout_percent: The share that was held out.
        rows: Those exported and those held out; ``group`` says which. Dates are ISO text.
    """

    segment: str
    exported_on: date
    parameters: Mapping[str, str]
    holdout_percent: int
    rows: tuple[Mapping[str, Any], ...]


def read_record(warehouse: Path) -> list[PastExport]:
    """Return every export, oldest first.

    Raises:
        UsageError: A line cannot be read.
        StorageError: The file cannot be read.
    """
    path = exports_record_path(warehouse)
    exports = []
    with storage_errors(f"the record {path} cannot be read", remedy="move it away"):
        lines = read_own(path).splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            exports.append(
                PastExport(
                    entry["segment"],
                    date.fromisoformat(entry["exported_on"]),
                    dict(entry["parameters"]),
                    entry["holdout_percent"],
                    tuple({**row} for row in entry["rows"]),
                )
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UsageError(
                f"{path}:{number} is no export",
                remedy="remove the line; who was in it may be written to again",
            ) from None
    return exports


def append_export(warehouse: Path, export: PastExport) -> None:
    """Add ``export`` to the record.

    Raises:
        StorageError: The record cannot be written.
    """
    path = exports_record_path(warehouse)
    with storage_errors(f"{path} cannot be written", remedy="change its permissions"):
        append_line(path, json.dumps(asdict(export), ensure_ascii=False, default=str))


def erase_people(warehouse: Path, keys: Collection[str], *, dry_run: bool = False) -> int:
    """Take the people with these customer keys or user ids out of the record; return how many rows.

    Args:
        warehouse: Whose record it is.
        keys: Who goes.
        dry_run: Only count the rows.

    Raises:
        UsageError: A line cannot be read.
        StorageError: The record cannot be written.
        LockedError: Another export holds it.
    """
    if not exports_record_path(warehouse).exists():
        return 0
    with nullcontext() if dry_run else record_lock(warehouse):
        exports = read_record(warehouse)
        kept = [
            [r for r in e.rows if r["customer_key"] not in keys and r["user_id"] not in keys]
            for e in exports
        ]
        erased = sum(len(e.rows) - len(rows) for e, rows in zip(exports, kept, strict=True))
        if erased and not dry_run:
            lines = [
                json.dumps(asdict(e) | {"rows": rows}, ensure_ascii=False, default=str) + "\n"
                for e, rows in zip(exports, kept, strict=True)
            ]
            write_file(exports_record_path(warehouse), "".join(lines).encode())
        return erased


@contextmanager
def record_lock(warehouse: Path) -> Iterator[None]:
    """Hold the record, so that two exports at once cannot both take a person.

    Raises:
        LockedError: Another export holds it.
        StorageError: The folder does not exist, or cannot be written.
    """
    path = exports_record_path(warehouse)
    with file_lock(
        path.with_name(f".{path.name}.lock"),
        lambda: LockedError(f"another export holds {path}", remedy="try again"),
        f"{path} cannot be written",
        remedy="change its permissions",
    ):
        yield


def last_contacts(exports: list[PastExport], segment: str, on: date) -> dict[str, date]:
    """Return the day on which each person was last exported, as ``segment`` must see it on ``on``.

    An export of any segment counts for who was in it. Of the segment itself those held out count
    too, so that both groups come up again in the same rhythm; its export of ``on`` does not.
    """
    contacts: dict[str, date] = {}
    for export in exports:
        is_own = export.segment == segment
        if export.exported_on > on or (is_own and export.exported_on == on):
            continue
        for row in export.rows:
            if is_own or row["group"] == "sent":
                key = row["customer_key"]
                contacts[key] = max(export.exported_on, contacts.get(key, export.exported_on))
    return contacts
