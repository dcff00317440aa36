from pathlib import Path

import pytest

from sselfie_insights.digest import Digest, make_digest
from sselfie_insights.notebook import Warehouse
from tests.support.business import write_business


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up business with every mart."""
    return write_business(tmp_path_factory.mktemp("digest") / "w.duckdb")


@pytest.fixture(scope="session")
def digest(published: Path) -> Digest:
    with Warehouse(published) as warehouse:
        return make_digest(warehouse)
