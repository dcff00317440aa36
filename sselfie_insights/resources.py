"""Find what is not Python: ``dbt_project``, ``queries`` and ``reports``.

They lie at the top of a checkout and inside the package when installed from a wheel.
"""

from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parent


def resource_dir(name: str) -> Path:
    """Return the folder ``name`` of this installation or checkout.

    Raises:
        FileNotFoundError: The installation is incomplete.
    """
    for parent in (PACKAGE, PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(f"{name}/ is missing from the installation at {PACKAGE}")


def list_folders(name: str) -> tuple[Path, ...]:
    """Return the folders ``name``: the user's, in the working directory, comes before ours.

    In a checkout's own folder both are one.
    """
    own, ours = Path(name), resource_dir(name)
    return (ours,) if own.exists() and own.samefile(ours) else (own, ours)


def find_files(name: str, pattern: str, folders: Iterable[Path] | None = None) -> dict[str, Path]:
    """Return the files that match ``pattern`` by their paths below their folder, without suffixes.

    Args:
        name: The name of ``list_folders``.
        pattern: Which files, as ``Path.glob`` reads it.
        folders: Where to look instead; of two files with one name the earlier folder's counts.
    """
    found: dict[str, Path] = {}
    for folder in list_folders(name) if folders is None else folders:
        for path in folder.glob(pattern):
            found.setdefault(path.relative_to(folder).with_suffix("").as_posix(), path)
    return found


def find_replaced(name: str, pattern: str) -> list[Path]:
    """Return the user's files that take the place of packaged ones, sorted by path."""
    *own_folders, ours = list_folders(name)
    own = find_files(name, pattern, own_folders)
    packaged = find_files(name, pattern, [ours]) if own else {}
    return [own[key] for key in sorted(own.keys() & packaged.keys())]
