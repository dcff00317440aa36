"""Is there room for a run? Asked before it begins, since a full disk helps nobody."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from sselfie_insights.errors import StorageError
from sselfie_insights.files import real_path
from sselfie_insights.warehouse.storage import storage_errors

MARGIN_BYTES = 256_000_000
"""For what DuckDB spills, dbt's artifacts, pages and exports."""


@dataclass(frozen=True)
class Space:
    """Room on the disk of the warehouse, in bytes: what a run needs, and what is free."""

    needed: int
    free: int

    def __str__(self) -> str:
        return f"{write_bytes(self.needed)} needed, {write_bytes(self.free)} free"


def measure_space(warehouse: Path) -> Space:
    """Return the room that a run needs: the private copy, as much again to grow, and a margin.

    Raises:
        StorageError: The folder of the warehouse does not exist.
    """
    warehouse = real_path(warehouse)
    with storage_errors(
        f"the folder of the warehouse, {warehouse.parent}, cannot be used",
        remedy="create it, or set SSELFIE_WAREHOUSE",
    ):
        free = shutil.disk_usage(warehouse.parent).free
    size = warehouse.stat().st_size if warehouse.is_file() else 0
    return Space(2 * size + MARGIN_BYTES, free)


def require_space(warehouse: Path) -> Space:
    """Return the room there is for a run.

    Raises:
        StorageError: There is less than it needs.
    """
    space = measure_space(warehouse)
    if space.free < space.needed:
        raise StorageError(
            f"too little room on the disk of {warehouse}: {space}",
            remedy="free some space, or keep fewer publications (SSELFIE_KEEP_PUBLICATIONS)",
        )
    return space


def write_bytes(count: int) -> str:
    """Return ``count`` bytes for people: ``1.2 GB``."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
