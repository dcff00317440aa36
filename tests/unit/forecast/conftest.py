"""Made-up businesses with known parameters, forecast: one of thirty members, one of many."""

from pathlib import Path

import pytest

from sselfie_insights.forecast import write_forecasts
from tests.support.members import write_members

RATE = 0.01


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty people who ever joined."""
    path = write_members(tmp_path_factory.mktemp("few") / "w.duckdb", 30)
    write_forecasts(path, discount_rate=RATE)
    return path


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty thousand who joined, more every month."""
    path = write_members(tmp_path_factory.mktemp("many") / "w.duckdb", 30_000, growth=0.03)
    write_forecasts(path, discount_rate=RATE)
    return path
