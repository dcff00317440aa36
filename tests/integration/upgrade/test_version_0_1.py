"""What version 0.1.0 wrote works with this one: the next night publishes, by other definitions."""

import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest
from typer.testing import CliRunner, Result

from sselfie_insights import __version__
from sselfie_insights.backup.archive import restore
from sselfie_insights.books.rollback import roll_back
from sselfie_insights.cli import app
from sselfie_insights.definitions import CHANGES, DEFINITIONS
from sselfie_insights.diff import compare
from sselfie_insights.diff.comparison import NEW_DEFINITION
from sselfie_insights.errors import UsageError
from sselfie_insights.settings import load_settings
from sselfie_insights.warehouse.journal import read_journal
from sselfie_insights.warehouse.publications import find_publication, list_publications
from sselfie_insights.warehouse.reading import OpenWarehouse
from tests.conftest import temporary_database

FIXTURE = Path(__file__).parents[2] / "fixtures" / "upgrade" / "written_by_0_1.tar.xz"
OLD = "20261130T035244Z"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def source(server: str, written: Path) -> Iterator[str]:
    """The source that the version read."""
    with temporary_database(server) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((written / "source.sql").read_bytes())
        yield url


@pytest.fixture(scope="module")
def folder(
    written: Path, source: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Result]]:
    """A copy of the folder in which this version has run once, and what the run printed."""
    copy = tmp_path_factory.mktemp("upgrade") / "studio"
    shutil.copytree(written, copy)
    publication = copy / ".warehouse.duckdb.publications" / f"{OLD}.duckdb"
    publication.unlink()
    publication.hardlink_to(copy / "warehouse.duckdb")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        patch.setenv("SSELFIE_DATABASE_URL", source)
        yield copy, CliRunner().invoke(app, ["run"])


@pytest.fixture
def here(folder: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder[0])
    return folder[0]


def test_the_fixture_is_small() -> None:
    assert FIXTURE.stat().st_size <= 2_000_000


def test_before_the_first_night_it_opens_and_says_what_to_run(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(written)
    with OpenWarehouse(Path("warehouse.duckdb")) as opened:
        assert (opened.stamp.version, opened.stamp.definitions) == ("0.1.0", 1)
    status = CliRunner().invoke(app, ["status"])
    assert status.exit_code == 0, status.output
    assert OLD in status.stdout
    own = CliRunner().invoke(app, ["query", "run", "own/plain"])
    assert own.exit_code == 0, own.output
    changed = CliRunner().invoke(app, ["query", "run", "revenue/mrr_movements"])
    assert isinstance(changed.exception, UsageError)
    assert changed.exception.remedy == "the marts were built by version 0.1.0: run 'sselfie build'"


@pytest.mark.slow
def test_the_next_night_publishes(folder: tuple[Path, Result]) -> None:
    path, run = folder
    assert run.exit_code == 0, run.output
    last = read_journal(path / "warehouse.duckdb")[-1]
    assert (last["command"], last["published"]) == ("run", True)
    assert "gaps" not in last or last["gaps"] == []
    with OpenWarehouse(path / "warehouse.duckdb") as opened:
        assert (opened.stamp.version, opened.stamp.definitions) == (__version__, DEFINITIONS)
        assert opened.stamp.timezone == "Europe/Oslo"
    assert (path / "out" / "site" / "own.html").is_file()
    assert len(list_publications(path / "warehouse.duckdb")) == 2


@pytest.mark.slow
def test_the_mirror_is_exact(here: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSELFIE_DATABASE_URL", source)
    verified = CliRunner().invoke(app, ["verify"])
    assert verified.exit_code == 0, verified.output
    assert verified.stdout.count("\tequal") > 60


@pytest.mark.slow
def test_the_history_is_the_one_that_it_had(here: Path, written: Path) -> None:
    sql = "select count(*), min(dbt_valid_from) from snapshots.users_history"
    found = []
    for path in (written, here):
        with duckdb.connect(path / "warehouse.duckdb", read_only=True) as db:
            found.append(db.execute(sql).fetchone())
    assert found[0] == found[1]


@pytest.mark.slow
def test_the_difference_is_the_definition_and_never_the_data(here: Path) -> None:
    settings = load_settings()
    before = find_publication(settings.warehouse, OLD, settings.timezone).path
    found = compare(settings, before, settings.warehouse)
    assert {cause for each in found.restatements for cause in each.causes} == {NEW_DEFINITION}
    assert {each.number.query for each in found.restatements} & {
        "revenue/mrr_movements", "churn/churn_by_month",
    }  # fmt: skip
    assert found.rows == ()
    assert CHANGES[2][0] in found.remarks[0]


@pytest.mark.slow
def test_an_earlier_publication_is_refused_with_the_command_that_reads_it(here: Path) -> None:
    page = ["query", "run", "revenue/mrr_movements", "--publication", OLD]
    refused = CliRunner().invoke(app, page)
    assert isinstance(refused.exception, UsageError)
    assert "cp " in refused.exception.remedy
    assert "sselfie build --warehouse old.duckdb" in refused.exception.remedy


def test_a_backup_of_then_is_restored(written: Path, tmp_path: Path) -> None:
    report = restore(written / "backup.zip", tmp_path / "new.duckdb")
    with duckdb.connect(written / "warehouse.duckdb", read_only=True) as db:
        row = db.execute("select count(*) from snapshots.users_history").fetchone()
    assert row is not None
    assert report.tables["snapshots.users_history"] == row[0] > 0


@pytest.mark.slow
def test_going_back_to_it_publishes_and_says_what_makes_its_pages(
    folder: tuple[Path, Result], tmp_path: Path
) -> None:
    copy = tmp_path / "studio"
    shutil.copytree(folder[0], copy)
    settings = load_settings(warehouse=copy / "warehouse.duckdb", output_dir=tmp_path / "out")
    roll_back(settings, OLD)
    with OpenWarehouse(settings.warehouse) as opened:
        assert opened.stamp.version == "0.1.0"
