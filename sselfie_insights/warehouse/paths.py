"""The name of everything that lies beside the warehouse file, and the schemas inside it."""

import re
from datetime import UTC, datetime
from pathlib import Path

from sselfie_insights.files import real_path

SCHEMAS = frozenset(
    {"raw", "meta", "staging", "core", "intermediate", "marts", "snapshots", "forecast", "growth"}
    | {"closed", "stripe_export"}
)
"""The schemas of a warehouse. DuckDB calls an open file by its name, which must not be theirs."""

KEPT_SCHEMAS = frozenset({"closed", "stripe_export"})
"""What people added, and no source can give back: no rollback and no reload takes it away."""

_PUBLICATIONS = ".publications"
_NAME = re.compile(r"(?P<second>\d{8}T\d{6}Z)(-(?P<number>\d+))?")
_SECOND = "%Y%m%dT%H%M%SZ"


def lock_path(warehouse: Path) -> Path:
    """Return the file whose lock a writer of ``warehouse`` holds."""
    return _beside(warehouse, ".{}.lock")


def holder_path(warehouse: Path) -> Path:
    """Return the file that says who holds the lock."""
    return _beside(warehouse, ".{}.holder")


def private_dir(warehouse: Path) -> Path:
    """Return the folder of the private copies of runs."""
    return _beside(warehouse, ".{}.private")


def wal_path(database: Path) -> Path:
    """Return DuckDB's write-ahead log of the file ``database``."""
    return database.with_name(f"{database.name}.wal")


def artifacts_dir(warehouse: Path) -> Path:
    """Return the folder where dbt keeps its artifacts between runs."""
    return _beside(warehouse, ".{}.dbt")


def journal_path(warehouse: Path) -> Path:
    """Return the file of the journal."""
    return _beside(warehouse, "{}.runs.jsonl")


def digests_dir(warehouse: Path) -> Path:
    """Return the folder that remembers which digests were sent."""
    return _beside(warehouse, ".{}.digests")


def publications_dir(warehouse: Path) -> Path:
    """Return the folder of the kept publications."""
    return _beside(warehouse, f".{{}}{_PUBLICATIONS}")


def is_publications_dir(folder: Path) -> bool:
    """Say whether ``folder`` is called like a folder of kept publications."""
    return folder.name.endswith(_PUBLICATIONS)


def exports_record_path(warehouse: Path) -> Path:
    """Return the record of exported segments; kept publications share their warehouse's."""
    return _beside(_published(warehouse), "{}.segments.jsonl")


def pseudonym_key_path(warehouse: Path) -> Path:
    """Return the file with the key of pseudonyms; kept publications share their warehouse's."""
    return _beside(_published(warehouse), ".{}.pseudonyms")


def publication_name(path: Path) -> str | None:
    """Return the name of the kept publication that the file at ``path`` is; None if it is none."""
    is_kept = is_publications_dir(path.parent) and parse_name(path.stem)
    return path.stem if is_kept else None


def find_leftovers(warehouse: Path) -> list[Path]:
    """Return what killed writers may have left beside ``warehouse``; its private copies aside."""
    warehouse = real_path(warehouse)
    kept, records = publications_dir(warehouse), (journal_path, exports_record_path)
    return sorted(
        path
        for folder, pattern in (
            (warehouse.parent, wal_path(warehouse).name),
            (warehouse.parent, f"{warehouse.name}.tmp"),
            *(
                (warehouse.parent, f".{record(warehouse).name}.{'[0-9a-f]' * 8}")
                for record in records
            ),
            *((kept, f"*.{ending}") for ending in ("partial", "wal", "tmp")),
        )
        for path in folder.glob(pattern)
    )


def write_name(at: datetime) -> str:
    """Return the second of ``at`` as a name, in UTC: ``20261122T030500Z``."""
    return f"{at.astimezone(UTC):{_SECOND}}"


def parse_name(name: str) -> tuple[datetime, int] | None:
    """Return the second that ``name`` stands for, and which of that second; None if it does not."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        second = datetime.strptime(match["second"], _SECOND).replace(tzinfo=UTC)
    except ValueError:  # the 31st of February
        return None
    return second, int(match["number"] or 1)


def _published(warehouse: Path) -> Path:
    """Return the warehouse that the file at ``warehouse`` is, or is a kept publication of."""
    folder = real_path(warehouse).parent
    if is_publications_dir(folder):
        return folder.with_name(folder.name.removeprefix(".").removesuffix(_PUBLICATIONS))
    return warehouse


def _beside(warehouse: Path, pattern: str) -> Path:
    warehouse = real_path(warehouse)
    return warehouse.with_name(pattern.format(warehouse.name))
