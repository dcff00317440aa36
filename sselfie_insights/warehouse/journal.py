"""The journal: what became of every run, failed ones too, beside the warehouse.

``meta`` records what was published; the journal, every attempt. It is append-only JSON
lines in ``<warehouse>.runs.jsonl``, which no publication replaces. A run writes a line when it
begins and a whole one when it ends; ``sselfie run`` writes one more once it has published, or
failed to, so that the pages it then renders show it. The last line of a run is what counts.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from sselfie_insights.errors import ExitCode, SselfieError, StorageError
from sselfie_insights.files import append_line, read_own
from sselfie_insights.interrupt import graceful_shutdown
from sselfie_insights.warehouse.paths import journal_path
from sselfie_insights.warehouse.storage import storage_errors

Entry = dict[str, Any]
"""A run: run_id, command, started_at, and once it ended finished_at, exit_code and any error."""

_KINDS = {"run_id": str, "command": str, "exit_code": int, "missed_days": list}


def new_run_id(started: datetime) -> str:
    """Return an id for a run that began at ``started`` (UTC)."""
    return f"{started:%Y%m%dT%H%M%S}-{token_hex(3)}"


@contextmanager
def journaled(warehouse: Path, command: str, run_id: str) -> Iterator[Entry]:
    """Write that the block begins, and what became of it however it ends.

    Yields the entry, for the block to add what is worth knowing later; nothing secret.

    Raises:
        StorageError: The block succeeded, and that cannot be written.
        KeyboardInterrupt: The process was asked to stop.
    """
    entry: Entry = {
        "run_id": run_id,
        "command": command,
        "started_at": datetime.now(UTC).isoformat(),
    }
    # What stops the run matters more than a journal that cannot be written either.
    with suppress(StorageError):
        _append(warehouse, entry | {"pid": os.getpid(), "host": socket.gethostname()})
    try:
        with graceful_shutdown():
            yield entry
    except BaseException as error:
        with suppress(StorageError):
            write_entry(warehouse, entry, error)
        raise
    write_entry(warehouse, entry)


def write_entry(warehouse: Path, entry: Entry, error: BaseException | None = None) -> None:
    """Write how the run of ``entry`` ended: well, or by ``error``.

    Raises:
        StorageError: The journal cannot be written.
    """
    entry["exit_code"] = exit_code(error)
    if error is not None:
        entry["error"] = describe_error(error)
        if isinstance(error, SselfieError) and error.remedy:
            entry["remedy"] = error.remedy
    entry["finished_at"] = datetime.now(UTC).isoformat()
    _append(warehouse, entry)


def read_journal(warehouse: Path) -> list[Entry]:
    """Return every run of ``warehouse`` that has ended, in the order of their ends.

    A line that was cut short, or is no entry, is left out.

    Raises:
        StorageError: The journal cannot be read.
    """
    return [entry for entry in _read(warehouse) if "exit_code" in entry]


def read_unended(warehouse: Path) -> list[Entry]:
    """Return the runs that began and have not ended: they run, or died without a final status.

    Raises:
        StorageError: The journal cannot be read.
    """
    return [entry for entry in _read(warehouse) if "exit_code" not in entry]


def close_dead_runs(warehouse: Path, run_id: str) -> list[Entry]:
    """Write that runs before ``run_id`` died, and return them; the caller holds the lock.

    Raises:
        StorageError: The journal cannot be read or written.
    """
    dead = [entry for entry in read_unended(warehouse) if entry["run_id"] != run_id]
    for entry in dead:
        entry["exit_code"] = int(ExitCode.INTERRUPTED)
        entry["error"] = "it terminated without a final status: killed, or the machine stopped"
        entry["finished_at"] = datetime.now(UTC).isoformat()
        _append(warehouse, entry)
    return dead


def exit_code(error: BaseException | None) -> int:
    """Return the exit code of a run that ended by ``error``, or well."""
    if error is None:
        return int(ExitCode.DONE)
    if isinstance(error, SselfieError):
        return int(error.exit_code)
    return int(ExitCode.INTERRUPTED if isinstance(error, KeyboardInterrupt) else ExitCode.BUG)


def describe_error(error: BaseException) -> str:
    """Return an error's own words where they are known to hold no secret, else its kind."""
    return str(error) if isinstance(error, SselfieError) else type(error).__name__


def _read(warehouse: Path) -> list[Entry]:
    """Return the last line of each run, in the order of those lines."""
    path = journal_path(warehouse)
    with storage_errors(
        f"the journal {path} cannot be read", remedy="move it away, or change its permissions"
    ):
        text = read_own(path).decode("utf-8", "replace")
    entries: dict[str, Entry] = {}
    for line in text.split("\n"):
        with suppress(ValueError, RecursionError):
            entry = json.loads(line)
            if _is_entry(entry):
                entries.pop(entry["run_id"], None)
                entries[entry["run_id"]] = entry
    return list(entries.values())


def _is_entry(entry: object) -> bool:
    """Say whether a line holds what readers of the journal rely on."""
    if not isinstance(entry, dict):
        return False
    instants = ("started_at", "finished_at") if "exit_code" in entry else ("started_at",)
    try:
        return (
            {"run_id", "command"} <= entry.keys()
            and all(datetime.fromisoformat(entry[name]).tzinfo for name in instants)
            and all(isinstance(entry[name], kind) for name, kind in _KINDS.items() if name in entry)
        )
    except (KeyError, TypeError, ValueError):
        return False


def _append(warehouse: Path, entry: Entry) -> None:
    path = journal_path(warehouse)
    line = json.dumps(entry, ensure_ascii=False, default=str)
    with storage_errors(f"the journal {path} cannot be written", remedy="change its permissions"):
        append_line(path, line)
