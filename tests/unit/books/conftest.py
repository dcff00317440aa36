"""A published business whose October can be closed."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.warehouse.format import write_format_version
from sselfie_insights.warehouse.meta import CHECK_RESULTS, SYNC_TABLES
from sselfie_insights.warehouse.publications import retain
from tests.support.business import write_business
from tests.support.closing import LIABILITY_OF_OCTOBER, PREPARE


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A business that speaks for noon of the 15th of November."""
    path = write_business(tmp_path_factory.mktemp("closing") / "a.duckdb")
    with duckdb.connect(path) as db:
        db.execute(PREPARE + SYNC_TABLES + CHECK_RESULTS)
        write_format_version(db)
    return path


@pytest.fixture
def settings(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A published copy of it; the liability of a month's end is built without dbt."""

    def build_liability(scratch: Path, settings: Settings, as_of: datetime) -> None:
        assert as_of == datetime(2026, 10, 31, 23, 59, 59, 999999, UTC)
        with duckdb.connect(scratch) as db:
            db.execute(f"update marts.liability set liability_cents = {LIABILITY_OF_OCTOBER}")

    monkeypatch.setattr("sselfie_insights.build.build_liability", build_liability)
    monkeypatch.chdir(tmp_path)
    warehouse = Path(shutil.copy(template, tmp_path / "w.duckdb"))
    retain(warehouse, datetime(2026, 11, 15, 12, 30, tzinfo=UTC))
    return load_settings(warehouse=warehouse, output_dir=tmp_path / "out")
