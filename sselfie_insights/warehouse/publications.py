"""Kept publications: what the warehouse was, so that any of the last days can be opened again.

Each is a hard link to a file that was published once, which nobody writes; where the file system
has no links, a copy. They lie beside the warehouse, in ``.<warehouse name>.publications/``, and
are named by the second of their publication, in UTC: ``20261122T030500Z.duckdb``.
"""

import errno
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import duckdb

from sselfie_insights.clock import parse_zone
from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.files import PRIVATE_MODE, make_folder, real_path
from sselfie_insights.settings import Settings
from sselfie_insights.sql import quote
from sselfie_insights.system import flush
from sselfie_insights.warehouse.paths import (
    parse_name,
    publications_dir,
    write_name,
)
from sselfie_insights.warehouse.storage import storage_errors

SUFFIX = ".duckdb"
PARTIAL = ".partial"
LATEST = "latest"

_CANNOT_LINK = frozenset(
    {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
)
# How many names an error offers.
_NEAREST = 3

T = TypeVar("T")

Note = Callable[[str], None]
"""Called with a line about something odd that did not stop the work."""


@dataclass(frozen=True)
class Publication:
    """A kept publication.

    Attributes:
        name: What to call it, e.g. ``20261122T030500Z``; the second of one second ends in ``-2``.
        path: Its file.
        published_at: When it was published, UTC, to the second.
    """

    name: str
    path: Path
    published_at: datetime


def select_old(
    dated: Sequence[tuple[datetime, T]], keep: int, max_age: timedelta | None, now: datetime
) -> list[T]:
    """Return what is beyond the last ``keep`` of ``dated``, oldest first, or older than allowed."""
    beyond = len(dated) - keep
    return [
        each
        for index, (at, each) in enumerate(dated)
        if index < beyond or (max_age is not None and now - at > max_age)
    ]


def is_ahead(
    dated: Sequence[tuple[datetime, object]], clock: datetime | None, on_note: Note | None
) -> bool:
    """Say whether one of ``dated``, oldest first, is later than the clock says it is now."""
    clock = clock or datetime.now(UTC)
    if not dated or dated[-1][0] <= clock:
        return False
    if on_note:
        on_note(
            f"nothing old was removed: {write_name(dated[-1][0])} is later than this machine's"
            f" clock, {write_name(clock)}; one of them is wrong"
        )
    return True


def retain(warehouse: Path, at: datetime) -> Publication:
    """Retain the file that is published now; the caller holds the lock of the warehouse.

    Retaining the same file again gives the publication that there is.

    Args:
        warehouse: The published file.
        at: When it was published.

    Raises:
        StorageError: There is no warehouse, or the folder cannot be written.
    """
    warehouse = real_path(warehouse)
    folder = publications_dir(warehouse)
    second = at.astimezone(UTC).replace(microsecond=0)
    name, number = write_name(at), 1
    with _retaining(warehouse):
        make_folder(folder)
        for left_over in folder.glob(f"*{PARTIAL}"):
            left_over.unlink()
        while (path := folder / f"{name}{SUFFIX}").exists():
            if path.samefile(warehouse):
                return Publication(name, path, second)
            number += 1
            name = f"{write_name(at)}-{number}"
        _link(warehouse, path)
    return Publication(name, path, second)


def relink(publication: Publication, warehouse: Path) -> None:
    """Make ``publication`` the published file, which was rewritten in its place.

    Raises:
        StorageError: The folder cannot be written.
    """
    new = publication.path.with_name(f"{publication.path.name}.new{PARTIAL}")
    with _retaining(warehouse):
        new.unlink(missing_ok=True)
        _link(real_path(warehouse), new)
        new.replace(publication.path)


def list_publications(warehouse: Path) -> list[Publication]:
    """Return the kept publications, oldest first; none where the folder is missing.

    Files with other names are passed over. A file may be damaged: see ``is_intact``.

    Raises:
        StorageError: The folder cannot be read.
    """
    folder = publications_dir(warehouse)
    found = []
    with storage_errors(f"{folder} cannot be read"):
        for path in folder.glob(f"*{SUFFIX}"):
            key = parse_name(path.stem)
            if key is not None and path.is_file():
                found.append((key, Publication(path.stem, path, key[0])))
    return [publication for _, publication in sorted(found, key=lambda each: each[0])]


def find_publication(
    warehouse: Path,
    text: str,
    zone: str = "UTC",
    *,
    on_note: Note | None = None,
    is_sound: Callable[[Path], bool] | None = None,
) -> Publication:
    """Return the publication that ``text`` names.

    Args:
        warehouse: The published file.
        text: A date, for the last publication of that day; ``latest``; or a name.
        zone: The reporting zone, in which a day begins and ends.
        on_note: Called with a sentence about damaged files that were passed over.
        is_sound: What is asked of a file before it is returned; by default ``is_intact``.

    Raises:
        UsageError: There is none, or it is damaged; the message names the nearest ones.
    """
    is_sound = is_sound or is_intact
    kept = list_publications(warehouse)
    tz = parse_zone(zone)
    day = _parse_day(text)
    if text == LATEST:
        candidates = kept
    elif day is not None:
        candidates = [each for each in kept if each.published_at.astimezone(tz).date() == day]
    else:
        candidates = [each for each in kept if each.name == text]
    if found := last_sound(candidates, is_sound, on_note):
        return found
    if candidates and text == candidates[-1].name:
        problem = f"the publication {text} is damaged"
    elif candidates:
        problem = f"every publication of {text} is damaged"
    else:
        problem = f"there is no publication {text!r}"
    others = [each for each in kept if each not in candidates]
    raise UsageError(problem, remedy=_suggest(others, day, zone))


def last_sound(
    candidates: Sequence[Publication], is_sound: Callable[[Path], bool], on_note: Note | None
) -> Publication | None:
    """Return the last of ``candidates`` that is sound; ``on_note`` hears of those passed over."""
    for publication in reversed(candidates):
        if is_sound(publication.path):
            return publication
        if on_note:
            on_note(f"the publication {publication.name} is damaged, and was passed over")
    return None


def use_publication(settings: Settings, text: str | None, on_note: Note | None = None) -> Settings:
    """Return ``settings`` whose warehouse is the publication that ``text`` names.

    Args:
        settings: The settings in force.
        text: As for ``find_publication``; None leaves the warehouse as it is.
        on_note: Called with a sentence about damaged files that were passed over.

    Raises:
        UsageError: There is no such publication, or it is damaged.
    """
    if text is None:
        return settings
    found = find_publication(settings.warehouse, text, settings.timezone, on_note=on_note)
    return settings.model_copy(update={"warehouse": found.path})


def prune_publications(
    warehouse: Path,
    keep: int,
    max_age: timedelta | None = None,
    now: datetime | None = None,
    *,
    clock: datetime | None = None,
    on_note: Note | None = None,
) -> list[Publication]:
    """Remove old publications, never the last one that is intact; return what was removed.

    Where one is of the future, a clock is wrong or was, and nobody knows what is old: none goes.

    Args:
        warehouse: The published file.
        keep: How many to keep at most.
        max_age: How old one may get; None sets no limit.
        now: The present, from which ages are counted; by default the clock's.
        clock: What this machine's clock says, by which files are named; by default ``now``.
        on_note: Called with a sentence about a file that could not be removed.
    """
    kept = list_publications(warehouse)
    dated = [(each.published_at, each) for each in kept]
    if is_ahead(dated, clock or now, on_note):
        return []
    old = select_old(dated, keep, max_age, now or datetime.now(UTC))
    if not old:
        return []
    last_good = next((each for each in reversed(kept) if is_intact(each.path)), None)
    removed = []
    for publication in old:
        if publication == last_good:
            continue
        try:
            publication.path.unlink()
        except OSError as error:
            if on_note:
                on_note(f"{publication.path} cannot be removed: {error.strerror or error}")
        else:
            removed.append(publication)
    return removed


def is_intact(path: Path) -> bool:
    """Say whether DuckDB can open the file at ``path`` and read what it speaks for."""
    from sselfie_insights.warehouse.reading import OpenWarehouse

    try:
        with OpenWarehouse(path) as warehouse:
            return bool(warehouse.stamp)  # an error where there is none
    except (UsageError, StorageError, duckdb.Error):
        return False


def is_whole(path: Path) -> bool:
    """Say whether every row of every table of the file at ``path`` can be read.

    A kept publication is a link to a file that was published, so that damage to one of them is
    damage to both; and DuckDB notices a damaged block only when it reads it.
    """
    from sselfie_insights.warehouse.reading import OpenWarehouse

    if not is_intact(path):
        return False
    with OpenWarehouse(path) as warehouse:
        tables = warehouse.connection.execute(
            "select schema_name, table_name from duckdb_tables() where not internal"
        ).fetchall()
        try:
            for schema, name in tables:
                table = f"{quote(schema)}.{quote(name)}"
                warehouse.connection.execute(f"select bit_xor(hash(t)) from {table} as t")
        except duckdb.Error:
            return False
    return True


def _retaining(warehouse: Path) -> AbstractContextManager[None]:
    folder = publications_dir(warehouse)
    return storage_errors(
        f"{warehouse} was published, but cannot be kept in {folder}",
        remedy="change the permissions of the folder",
    )


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        partial = target.with_name(target.name + PARTIAL)
        shutil.copyfile(source, partial)
        partial.chmod(PRIVATE_MODE)
        with partial.open("rb") as file:
            flush(file.fileno())
        partial.replace(target)


def _parse_day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        return None


def _suggest(others: Sequence[Publication], day: date | None, zone: str) -> str:
    if not others:
        return "none is kept; 'sselfie run' keeps what it publishes"
    tz = parse_zone(zone)
    nearest = list(others[-_NEAREST:])
    if day is not None:
        by_distance = sorted(
            others, key=lambda each: abs((each.published_at.astimezone(tz).date() - day).days)
        )
        nearest = sorted(by_distance[:_NEAREST], key=lambda each: each.published_at)
    return "the nearest are " + ", ".join(each.name for each in nearest)
