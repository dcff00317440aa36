"""The journal: one line for every run, failed ones too, beside the warehouse.

``meta`` tells of what was published; the journal tells of every attempt. It is append-only JSON
lines in ``<warehouse>.runs.jsonl``, which no publication replaces.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sselfie_insights.errors import ExitCode, SselfieError
from sselfie_insights.run.publish import PRIVATE_MODE


def journal_path(warehouse: Path) -> Path:
    """Return the file of the journal of ``warehouse``."""
    warehouse = warehouse.resolve()
    return warehouse.with_name(f"{warehouse.name}.runs.jsonl")


@contextmanager
def journaled(warehouse: Path, command: str, run_id: str) -> Iterator[dict[str, Any]]:
    """Write a line about the block once it ends, however it ends.

    Yields the line, for the block to add what is worth knowing later; nothing secret.
    """
    entry: dict[str, Any] = {
        "run_id": run_id,
        "command": command,
        "started_at": datetime.now(UTC).isoformat(),
    }
    try:
        yield entry
    except BaseException as error:
        entry |= {"exit_code": _exit_code(error), "error": _describe(error)}
        # What stopped the run matters more than a journal that cannot be written either.
        with suppress(OSError):
            _append(warehouse, entry)
        raise
    _append(warehouse, entry | {"exit_code": int(ExitCode.DONE)})


def read_journal(warehouse: Path) -> list[dict[str, Any]]:
    """Return every run of ``warehouse``, oldest first; a line that was cut short is left out."""
    path = journal_path(warehouse)
    if not path.exists():
        return []
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with suppress(json.JSONDecodeError):
            entries.append(json.loads(line))
    return entries


def _append(warehouse: Path, entry: dict[str, Any]) -> None:
    entry["finished_at"] = datetime.now(UTC).isoformat()
    line = json.dumps(entry, ensure_ascii=False, default=str) + "\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    descriptor = os.open(journal_path(warehouse), flags, PRIVATE_MODE)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def _exit_code(error: BaseException) -> int:
    if isinstance(error, SselfieError):
        return int(error.exit_code)
    return int(ExitCode.INTERRUPTED if isinstance(error, KeyboardInterrupt) else ExitCode.BUG)


def _describe(error: BaseException) -> str:
    """Return an error's own words where they are known to hold no secret, else its kind."""
    return str(error) if isinstance(error, SselfieError) else type(error).__name__
