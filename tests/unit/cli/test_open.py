"""``--open`` opens the page that was written, and refuses where there is none."""

import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app
from sselfie_insights.errors import UsageError
from tests.support.business import write_business


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_business(tmp_path_factory.mktemp("open") / "w.duckdb")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, business: Path, tmp_path: Path) -> list[str]:
    """The addresses that were given to the browser, which is there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSELFIE_WAREHOUSE", str(business))
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: addresses.append(url) or True)
    return addresses


def test_the_page_that_was_written_is_opened(opened: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", "show", "churn", "-o", "churn.html", "--open"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert opened == [(tmp_path / "churn.html").as_uri()]
    assert (tmp_path / "churn.html").is_file()


def test_nothing_is_opened_unless_asked_for(opened: list[str]) -> None:
    CliRunner().invoke(app, ["report", "show", "churn", "-o", "churn.html"])
    assert opened == []


@pytest.mark.parametrize("words", [[], ["-o", "x.csv"], ["-o", "-", "--format", "html"]])
def test_what_is_no_page_in_a_file_is_refused(opened: list[str], words: list[str]) -> None:
    done = CliRunner().invoke(app, ["report", "show", "churn", "--open", *words])
    assert isinstance(done.exception, UsageError)
    assert "--open needs a page in a file: add -o NAME.html" in str(done.exception)
    assert opened == []


def test_where_no_browser_is_the_place_is_said(
    opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    done = CliRunner().invoke(app, ["report", "show", "churn", "-o", "churn.html", "--open"])
    assert done.exit_code == 0
    assert done.stderr == "note: no browser was found here; open churn.html\n"
