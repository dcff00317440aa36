"""Whether this installation is whole: its libraries, the DuckDB extension, dbt and its adapters."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

from sselfie_insights.errors import UsageError, first_line
from sselfie_insights.resources import resource_dir
from sselfie_insights.setup.doctor.finding import Finding, attempt
from sselfie_insights.warehouse.storage import OFFLINE

PACKAGE = "sselfie-insights"
_ADAPTERS = ("duckdb", "postgres")
_IMPORT_SECONDS = 120
"""Longer than the slowest disk takes to import dbt for the first time."""


def check_software() -> Iterator[Finding]:
    """Yield what is found of the installation."""
    yield attempt("libraries", _check_libraries)
    yield attempt("extension", _check_extension)
    yield attempt("dbt", _check_dbt)


def _check_libraries() -> str:
    names = [re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in _requirements()]
    missing = [name for name in names if not _is_installed(name)]
    if missing:
        raise UsageError(f"not installed: {', '.join(missing)}", remedy=f"pip install {PACKAGE}")
    version = metadata.version(PACKAGE)
    return f"{PACKAGE} {version} and {len(names)} libraries, Python {sys.version.split()[0]}"


def _requirements() -> list[str]:
    """What the package asks for, such as ``polars<2,>=1.40``, but for its extras."""
    return [text for text in metadata.requires(PACKAGE) or () if "extra ==" not in text]


def _reinstall(prefix: str) -> str:
    """The command that reinstalls the libraries whose names begin with ``prefix``."""
    wanted = [text for text in _requirements() if text.startswith(prefix)]
    return shlex.join(["pip", "install", "--force-reinstall", "--no-deps", *wanted])


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _check_extension() -> str:
    import duckdb

    from sselfie_insights.sync.extension import extension_path

    try:
        path = extension_path()
        with duckdb.connect(config=OFFLINE) as connection:
            connection.load_extension(str(path))
    except (FileNotFoundError, duckdb.Error) as error:
        raise UsageError(first_line(error), remedy=_reinstall("duckdb")) from None
    return f"the Postgres extension loads into DuckDB {duckdb.__version__}"


def _check_dbt() -> str:
    """Import dbt and the adapters where they run: in a process of their own."""
    try:
        resource_dir("dbt_project")
    except FileNotFoundError as error:
        raise UsageError(str(error), remedy=f"install {PACKAGE} again") from None
    modules = ", ".join(["dbt.cli.main", *(f"dbt.adapters.{name}" for name in _ADAPTERS)])
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", f"import {modules}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_IMPORT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"dbt cannot be imported within {_IMPORT_SECONDS} s", remedy=_reinstall("dbt-")
        ) from None
    if done.returncode:
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise UsageError(f"dbt cannot be imported: {last}", remedy=_reinstall("dbt-"))
    return f"dbt {metadata.version('dbt-core')} with {' and '.join(_ADAPTERS)}"
