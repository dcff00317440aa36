"""Pages over the made-up business, built once a session; and what is hidden, found once."""

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from sselfie_insights.query import OpenWarehouse, Result, load_library
from sselfie_insights.report import Page, build_page, load_reports, people
from sselfie_insights.report.privacy import suppress_small_groups
from sselfie_insights.report.results import Results
from sselfie_insights.statistics.suppression import Cell, Equation, Suppression, suppress
from tests.support.business import write_business


@pytest.fixture(scope="session")
def business(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with every mart of a made-up business."""
    return write_business(tmp_path_factory.mktemp("business") / "w.duckdb")


@pytest.fixture(scope="session")
def pages(business: Path) -> dict[str, Page]:
    """Every packaged report over it."""
    library, reports = load_library(), load_reports()
    with OpenWarehouse(business) as opened:
        results = Results(opened, library)
        for report in reports.values():
            results.add(report, {})
        return {
            name: build_page(opened, report, library, results=results)
            for name, report in reports.items()
        }


def suppress_alone(result: Result) -> Result:
    """``result`` as a page shows it that stands alone."""
    return suppress_small_groups({"alone": result})["alone"]


def remember_suppression(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let pages find in ``folder``, which parallel workers share, what they would hide again.

    That takes seconds a site, and follows from the cells and the equations alone.
    """
    folder.mkdir(exist_ok=True)

    def recall(cells: Sequence[Cell], equations: Sequence[Equation]) -> Suppression:
        path = folder / sha256(repr((cells, equations)).encode()).hexdigest()
        if not path.exists():
            own = path.with_suffix(f".{os.getpid()}")
            own.write_text(json.dumps(suppress(cells, equations)))
            own.replace(path)
        return Suppression(*json.loads(path.read_text()))

    patch.setattr(people, "suppress", recall)
