"""Find the folders that are not Python: ``dbt_project``, ``queries`` and ``reports``.

They lie at the top of a checkout and inside the package when installed from a wheel.
"""

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
