"""Pages over the made-up business, built once a session."""

from pathlib import Path

import pytest

from sselfie_insights.query import OpenWarehouse, Result, load_library
from sselfie_insights.report import Page, build_page, load_reports
from sselfie_insights.report.privacy import suppress_small_groups
from sselfie_insights.report.results import Results
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
