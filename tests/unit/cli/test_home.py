"""``sselfie`` alone says where the business stands and what comes next, and never fails to."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights import __version__
from sselfie_insights.cli import app, output
from sselfie_insights.cli import home as home_command
from sselfie_insights.errors import StorageError
from tests.support.business import write_business
from tests.support.warehouses import write_warehouse
from tests.unit.cli.test_cli import HEAVY, modules_of
from tests.unit.cli.test_output import pretend


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("SSELFIE_DATABASE_URL", raising=False)
    monkeypatch.setenv("SSELFIE_WAREHOUSE", "w.duckdb")
    return tmp_path


def test_where_there_is_nothing_it_says_what_to_type_first(home: Path) -> None:
    done = CliRunner().invoke(app, [])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        f"SSELFIE Insights {__version__}: revenue, retention and growth reports\n"
        "\n"
        "There is no warehouse yet at w.duckdb. Begin with:\n"
        "\n"
        "  sselfie demo    Run everything once on a simulated business; no database is\n"
        "                  needed.\n"
        "  sselfie init    Connect your own database.\n"
        "  sselfie --help  Every command.\n"
    )


def test_where_a_database_is_set_it_says_how_to_read_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSELFIE_DATABASE_URL", "postgresql://reader@localhost/app")
    printed = CliRunner().invoke(app, []).stdout
    assert [line.split()[1] for line in printed.splitlines()[4:] if "sselfie" in line] == [
        "doctor",
        "run",
        "--help",
    ]


def test_where_nothing_was_built_it_says_so(home: Path) -> None:
    duckdb.connect("w.duckdb").close()
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 0
    assert "no number was built from it yet. Begin with:\n\n  sselfie build" in done.stdout


def test_it_is_light_where_there_is_nothing(home: Path) -> None:
    assert modules_of() & HEAVY == set()


def test_what_is_no_warehouse_is_an_error_of_one_line(home: Path) -> None:
    Path("w.duckdb").write_bytes(b"\0" * 9000)
    done = CliRunner().invoke(app, [])
    assert isinstance(done.exception, StorageError)
    assert done.stdout == ""


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_business(tmp_path_factory.mktemp("home") / "w.duckdb")


def test_it_says_what_the_overview_says_and_what_to_do_next(
    home: Path, business: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSELFIE_WAREHOUSE", str(business))
    printed = CliRunner().invoke(app, []).stdout
    overview = CliRunner().invoke(app, ["report", "show", "overview"]).stdout
    with duckdb.connect(business, read_only=True) as db:
        [(mrr,)] = db.execute(
            "select closing_mrr_cents from marts.mrr_movements"
            " where currency = 'usd' and month = date '2026-11-01'"
        ).fetchall()
    assert printed.startswith("As of 15 Nov 2026, 12:00 UTC: 2 of 2 checks passed")
    numbers, changes, steps = printed.split("\n\n")[-3:]
    assert f"${mrr / 100:,.2f}" in numbers and "€" not in numbers
    assert numbers.endswith("* still running.")
    assert changes.startswith("Since last week\n- MRR is $") and changes in overview
    assert steps.splitlines()[0] == "Next"
    assert steps.splitlines()[-1].split() == ["sselfie", "--help", "Every", "command."]
    assert "sselfie report show overview" in steps


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits_the_terminal(
    home: Path, business: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("SSELFIE_WAREHOUSE", str(business))
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("PAGER", "")
    monkeypatch.setenv("NO_COLOR", "1")
    pretend(monkeypatch, is_terminal=True)
    monkeypatch.setattr(home_command, "sys", output.sys)
    printed = CliRunner().invoke(app, []).stdout
    assert printed and max(map(len, printed.splitlines())) <= width


def test_old_numbers_are_brought_up_to_date_first(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_warehouse(tmp_path / "w.duckdb", [], datetime(2026, 3, 1, tzinfo=UTC))
    monkeypatch.setenv("SSELFIE_MAX_AGE", "26h")
    printed = CliRunner().invoke(app, []).stdout
    assert "The data is old" in printed
    assert printed.split("Next\n")[1].split("\n")[0].split()[:2] == ["sselfie", "run"]
