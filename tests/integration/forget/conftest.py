"""A source and its warehouse, publications, reports and exports, all of which name Ann."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import psycopg
import pytest

from sselfie_insights.settings import load_settings
from sselfie_insights.sync import sync
from sselfie_insights.warehouse.publications import retain
from sselfie_insights.warehouse.publish import writable_copy
from tests.conftest import temporary_database
from tests.integration.run.people import ANN, BEA, DERIVED, EMAIL, SCHEMA, SOURCE
from tests.support.contracts import create_tables
from tests.support.forgetting import NOW, Place
from tests.support.warehouses import write_build_info


@pytest.fixture(scope="module")
def template(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A source, its warehouse, two publications, reports and exports, all of which name Ann."""
    folder = tmp_path_factory.mktemp("forget")
    with temporary_database(server) as url:
        with psycopg.connect(url) as connection:
            connection.execute((SCHEMA + SOURCE).encode())
        settings = load_settings(
            database_url=url, warehouse=folder / "w.duckdb", output_dir=folder / "out"
        )
        sync(settings)
        for day in (0, 1):
            with writable_copy(settings.warehouse) as private, duckdb.connect(private) as db:
                if day == 0:
                    create_tables(db)
                    write_build_info(db, NOW, "UTC")
                    db.execute(DERIVED)
                else:  # a row that was deleted: its bytes are still in the file
                    db.execute("delete from raw.feedback")
            retain(settings.warehouse, NOW + timedelta(days=day))
        _write_outputs(settings.output_dir)
        yield Place(settings, folder, url)


def _write_outputs(out: Path) -> None:
    frame = pl.DataFrame({"customer_key": [ANN, BEA], "tags": [[EMAIL], ["x"]]})
    for name, person in (("with", True), ("without", False)):
        export = out / "exports" / name
        export.mkdir(parents=True)
        (export / "manifest.json").write_text(
            json.dumps({"sources": {}, "files": [{"path": "people.parquet"}]})
        )
        frame.filter(pl.lit(person) | (pl.col("customer_key") == BEA)).write_parquet(
            export / "people.parquet"
        )
    site = out / "site"
    site.mkdir()
    (site / "index.html").write_text("<p>joann.other@example.org is somebody else</p>")
    (out / "mailing.csv").write_text(f"email\n{EMAIL.lower()}\n")
    frame.write_excel(out / "people.xlsx")
    (out / "notes.txt").write_text(f"about {BEA}")


@pytest.fixture
def place(template: Place, tmp_path: Path) -> Place:
    """A copy of the template's files, over the same source."""
    shutil.copytree(template.folder, tmp_path / "copy")
    folder = tmp_path / "copy"
    kept = folder / ".w.duckdb.publications"
    newest = sorted(kept.iterdir())[-1]
    newest.unlink()
    newest.hardlink_to(folder / "w.duckdb")  # as it was
    settings = template.settings.model_copy(
        update={"warehouse": folder / "w.duckdb", "output_dir": folder / "out"}
    )
    return Place(settings, folder, template.url)
