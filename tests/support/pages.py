"""Pages over the made-up business, built once a session."""

from pathlib import Path

import pytest

from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import Page, build_page, load_reports
from tests.support.business import write_business


@pytest.fixture(scope="session")
def business(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with every mart of a made-up business."""
    return write_business(tmp_path_factory.mktemp("business") / "w.duckdb")


@pytest.fixture(scope="session")
def pages(business: Path) -> dict[str, Page]:
    """Every packaged report over it."""
    library = load_library()
    with OpenWarehouse(business) as opened:
        return {
            name: build_page(opened, report, library) for name, report in load_reports().items()
        }
