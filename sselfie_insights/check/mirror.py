"""Check the mirror: measure it with DuckDB, and let Great Expectations judge."""

from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread

from sselfie_insights.check.results import CheckResult
from sselfie_insights.settings import Settings


def start_import() -> Thread:
    """Begin to import Great Expectations, which takes seconds, beside other work."""

    def load() -> None:
        # Whoever needs it imports it again, and meets the error there.
        with suppress(Exception):
            import_module("great_expectations")

    thread = Thread(target=load, name="import great_expectations", daemon=True)
    thread.start()
    return thread


def check_mirror(warehouse: Path, settings: Settings) -> list[CheckResult]:
    """Return what became of every check of the mirror in ``warehouse``, which stays as it is.

    Args:
        warehouse: A DuckDB file that nobody has open for writing.
        settings: Those of the run: ``as_of`` and ``checks`` matter.

    Raises:
        UsageError: Nothing was synced into ``warehouse``, or the severities are wrong.
    """
    return []
