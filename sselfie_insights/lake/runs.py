"""Results of builds in the lake: where a build writes, which build counts, what can go."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from sselfie_insights.lake.push import read_tables
from sselfie_insights.lake.store import Store
from sselfie_insights.sql import literal, quote
from sselfie_insights.warehouse.publish import WRITER

PUBLISHED = "marts.json"
"""Which build's marts count; replaced when all of them are there and were tested."""

_RUN = re.compile(r"runs/([^/]+)/")


@dataclass(frozen=True)
class Column:
    """A column of a mart: its name and its type by the contract."""

    name: str
    type: str


@dataclass(frozen=True)
class PruneReport:
    """What a prune deleted: builds, and files of the mirror that no manifest names."""

    runs: tuple[str, ...]
    file_count: int


def is_used(store: Store) -> bool:
    """Say whether anything was ever pushed to the lake, or published in it.

    Raises:
        StorageError: The lake cannot be read.
    """
    return bool(read_tables(store)) or store.read(PUBLISHED) is not None


def run_path(run_id: str) -> str:
    """Return the folder of a build's results."""
    return f"runs/{run_id}"


def publish_run(store: Store, run_id: str, marts: Sequence[str]) -> None:
    """Say that the marts of a build count from now on.

    Args:
        store: The lake.
        run_id: The build.
        marts: Their names.

    Raises:
        StorageError: The lake cannot be written.
    """
    paths = {mart: f"{run_path(run_id)}/marts/{mart}" for mart in marts}
    published = datetime.now(UTC).isoformat()
    store.write(PUBLISHED, {"run_id": run_id, "published_at": published, "marts": paths})


def pull(private: Path, store: Store, run_id: str, marts: Mapping[str, Sequence[Column]]) -> None:
    """Write the marts of a build into a private copy, in the place of those that are there.

    What an earlier build of DuckDB's left of the layers below the marts is removed: it speaks for
    another instant, and the tables of this build stay in the lake.

    Args:
        private: The private copy of a run that holds the warehouse.
        store: The lake.
        run_id: The build.
        marts: By name, the columns that the contract gives them.

    Raises:
        StorageError: The lake cannot be read.
    """
    with (
        TemporaryDirectory(dir=private.parent) as folder,
        duckdb.connect(str(private), config=WRITER) as db,
    ):
        db.execute("set TimeZone = 'UTC'")
        for schema in ("core", "intermediate"):
            db.execute(f"drop schema if exists {schema} cascade")
        db.execute("create schema if not exists marts")
        for (name,) in db.execute(
            "select view_name from duckdb_views() where schema_name = 'marts' and not internal"
        ).fetchall():
            db.execute(f"drop view marts.{quote(name)}")
        for mart, columns in marts.items():
            files = store.fetch(f"{run_path(run_id)}/marts/{mart}", Path(folder))
            typed = ", ".join(
                f"cast({quote(column.name) if files else 'null'} as {column.type})"
                f" as {quote(column.name)}"
                for column in columns
            )
            listed = ", ".join(literal(str(file)) for file in files)
            source = f"from read_parquet([{listed}])" if files else "where false"
            db.execute(f"create or replace table marts.{quote(mart)} as select {typed} {source}")


def prune(store: Store, *, keep: int) -> PruneReport:
    """Delete files of the mirror that the manifest does not name, and the results of old builds.

    Whoever began to read before a push reads files that only the manifest before it names: prune
    when no build runs.

    Args:
        store: The lake.
        keep: How many builds to keep, the newest; 0 deletes the published one, too.

    Raises:
        StorageError: The lake cannot be read or written.
    """
    named = {part.path for table in read_tables(store) for part in table.parts}
    mirror = [path for path in store.list("") if path.endswith(".parquet")]
    stray = [path for path in mirror if not path.startswith("runs/") and path not in named]
    published = (store.read(PUBLISHED) or {}).get("run_id")
    runs = sorted({match[1] for path in store.list("runs") if (match := _RUN.match(path))})
    kept = set(runs[len(runs) - keep :] if keep else ()) | ({published} if keep else set())
    gone = [run for run in runs if run not in kept]
    if not keep:
        store.delete(PUBLISHED)
    for path in stray:
        store.delete(path)
    for run in gone:
        store.delete(run_path(run))
    return PruneReport(tuple(gone), len(stray))
