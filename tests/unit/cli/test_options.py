"""``--publication`` opens what was published, and says so wherever the numbers go."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app
from sselfie_insights.warehouse.paths import publications_dir
from sselfie_insights.warehouse.publications import retain
from tests.support.business import write_business

NAME = "20261115T130000Z"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kept publication, and a warehouse whose first month of revenue says something else."""
    folder = tmp_path_factory.mktemp("option")
    warehouse = write_business(folder / "w.duckdb")
    retain(warehouse, datetime(2026, 11, 15, 13, tzinfo=UTC))
    content = warehouse.read_bytes()
    (folder / "new.duckdb").write_bytes(content)
    with duckdb.connect(folder / "new.duckdb") as db:
        db.execute("update marts.revenue_by_month set gross_cents = 123456789")
    (folder / "new.duckdb").replace(warehouse)
    return folder


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(home)
    monkeypatch.setenv("SSELFIE_WAREHOUSE", str(home / "w.duckdb"))
    return CliRunner()


def test_a_query_reads_the_publication(run: CliRunner) -> None:
    words = ["query", "run", "revenue_by_month", "--format", "csv"]
    now = run.invoke(app, words).stdout
    then = run.invoke(app, [*words, "--publication", "2026-11-15"]).stdout
    assert "123456789" in now
    assert "123456789" not in then
    assert len(then.splitlines()) == len(now.splitlines())


def test_reports_are_stamped_with_it_and_tell_how_to_make_them_again(
    run: CliRunner, tmp_path: Path
) -> None:
    words = ["report", "show", "revenue", "--publication", "latest"]
    assert f"publication {NAME}." in run.invoke(app, words).stdout
    content = json.loads(run.invoke(app, [*words, "--format", "json"]).stdout)
    assert f'"{NAME}"' in json.dumps(content)
    page = run.invoke(app, [*words, "--format", "html"]).stdout
    assert f"<dt>Publication</dt><dd><code>{NAME}</code>" in page
    assert f"--publication {NAME}" in page
    assert "publication" not in run.invoke(app, words[:3]).stdout.lower()


def test_exports_carry_it_in_their_manifest(run: CliRunner, home: Path, tmp_path: Path) -> None:
    words = ["export", "-o", str(tmp_path / "export"), "--publication", NAME]
    assert run.invoke(app, words).exit_code == 0
    manifest = json.loads((tmp_path / "export" / "manifest.json").read_text())
    assert manifest["stamp"]["publication"] == NAME


def test_an_unknown_day_ends_with_2_and_names_the_nearest(run: CliRunner) -> None:
    for command in (
        ["query", "run", "runway"],
        ["report", "show", "churn"],
        ["status"],
        ["export"],
    ):
        result = run.invoke(app, [*command, "--publication", "2026-11-16"])
        assert result.stdout == ""
        assert getattr(result.exception, "exit_code", None) == 2
        assert NAME in str(result.exception)


def test_a_damaged_publication_of_the_day_is_passed_over_with_a_note(
    run: CliRunner, home: Path
) -> None:
    damaged = publications_dir(home / "w.duckdb") / "20261115T140000Z.duckdb"
    damaged.write_bytes(b"\0" * 9000)
    try:
        result = run.invoke(app, ["query", "run", "runway", "--publication", "2026-11-15"])
    finally:
        damaged.unlink()
    assert result.exit_code == 0
    assert "20261115T140000Z is damaged, and was passed over" in result.stderr
