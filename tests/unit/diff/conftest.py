"""A business, and a later file of it that differs as a test wants."""

import shutil
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.diff import Comparison, compare, comparison
from sselfie_insights.settings import load_settings
from tests.support.business import write_business
from tests.support.comparisons import FEW, ROWS, Later


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A business that speaks for the 15th of November; October is its last complete month."""
    path = write_business(tmp_path_factory.mktemp("diff") / "a.duckdb")
    with duckdb.connect(path) as db:
        db.execute(ROWS)
    return path


@pytest.fixture
def later(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Later:
    """Compare the template with itself as it became, a week later, by a few queries.

    What is called takes the change, and what else was there ``before``, as SQL.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(comparison, "load_library", lambda: FEW)

    def become(change: str, before: str = "") -> Comparison:
        earlier = shutil.copy(template, tmp_path / "a.duckdb")
        with duckdb.connect(earlier) as db:
            db.execute(before)
        after = shutil.copy(earlier, tmp_path / "b.duckdb")
        with duckdb.connect(after) as db:
            db.execute("update marts.build_info set as_of = as_of + interval 7 day")
            db.execute(change)
        return compare(load_settings(warehouse=after), earlier, after)

    return become
