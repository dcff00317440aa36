"""How long outputs are kept: publications and dated exports, by count and by age."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sselfie_insights.clock import parse_duration
from sselfie_insights.manifest import read_manifest
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse.paths import parse_name, write_name
from sselfie_insights.warehouse.publications import Note, is_ahead, prune_publications, select_old

EXPORTS = "exports"
"""The folder, below the setting ``output_dir``, of exports that are named by their second."""


@dataclass(frozen=True)
class Pruned:
    """What was removed: the names of publications, and the folders of exports."""

    publications: tuple[str, ...]
    exports: tuple[Path, ...]


def export_dir(settings: Settings, at: datetime) -> Path:
    """Return the folder for the export of a run that published at ``at``."""
    return settings.output_dir / EXPORTS / write_name(at)


def prune(
    settings: Settings,
    now: datetime | None = None,
    *,
    clock: datetime | None = None,
    on_note: Note | None = None,
) -> Pruned:
    """Remove publications and dated exports beyond the settings, never the last good one of each.

    Args:
        settings: ``keep_publications``, ``keep_exports`` and ``keep_for`` say how many and how
            long; ``output_dir`` where the exports are.
        now: The present, from which ages are counted; by default the clock's.
        clock: What this machine's clock says; by default ``now``. Where a name is later, nothing is
            removed.
        on_note: Called with a sentence about what could not be removed.

    Raises:
        UsageError: The folder of publications cannot be read.
    """
    now = now or datetime.now(UTC)
    max_age = None if settings.keep_for is None else parse_duration(settings.keep_for)
    removed = prune_publications(
        settings.warehouse,
        settings.keep_publications,
        max_age,
        now,
        clock=clock,
        on_note=on_note,
    )
    exports = _prune_exports(
        settings.output_dir / EXPORTS, settings.keep_exports, max_age, now, clock or now, on_note
    )
    return Pruned(tuple(each.name for each in removed), tuple(exports))


def is_whole_export(folder: Path) -> bool:
    """Say whether every file that the manifest of an export lists is there, in its size."""
    files = read_manifest(folder, "sources")
    try:
        return bool(files) and all(
            (folder / file["path"]).stat().st_size == file["bytes"] for file in files
        )
    except (OSError, KeyError):
        return False


def _prune_exports(
    root: Path,
    keep: int,
    max_age: timedelta | None,
    now: datetime,
    clock: datetime,
    on_note: Note | None,
) -> list[Path]:
    folders = list(root.iterdir()) if root.is_dir() else []
    for folder in folders:
        # An export of a run that died: it is written beside its place, as ``.<its name>.<random>``.
        if folder.name.startswith(".") and parse_name(folder.name.split(".")[1]):
            shutil.rmtree(folder, ignore_errors=True)
    dated = [(key, folder) for folder in folders if (key := parse_name(folder.name))]
    found = [(second, folder) for (second, _), folder in sorted(dated, key=lambda each: each[0])]
    old = [] if is_ahead(found, clock, on_note) else select_old(found, keep, max_age, now)
    if not old:
        return []
    last_good = next((f for _, f in reversed(found) if is_whole_export(f)), None)
    removed = []
    for folder in old:
        if folder == last_good:
            continue
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if on_note:
                on_note(f"{folder} cannot be removed: {error.strerror or error}")
        else:
            removed.append(folder)
    return removed
