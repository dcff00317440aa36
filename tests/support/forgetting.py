"""What forgetting is tried on: a place whose files name Ann, and what is read of it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from sselfie_insights.forget import ForgetReport
from sselfie_insights.settings import Settings
from tests.integration.run.people import ANN, EMAIL

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    settings: Settings
    folder: Path
    url: str


def traces(folder: Path, *, of: str = rf"{ANN}|(?<![a-z]){EMAIL}") -> set[str]:
    """Return the files whose bytes name Ann; Bea's address ends like hers."""
    found = re.compile(of.encode(), re.IGNORECASE)
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and found.search(path.read_bytes())
    }


def rows(warehouse: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(warehouse, read_only=True) as db:
        return db.execute(query).fetchall()


def counts(report: ForgetReport, file: str) -> dict[str, tuple[int, int]]:
    return {each.table: (each.deleted, each.redacted) for each in report.rows if each.file == file}
