"""Long text goes through a pager, on a terminal and nowhere else."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app, output
from sselfie_insights.cli.output import print_text

LONG, SHORT = "\n".join(f"line {number}" for number in range(30)), "one\ntwo"


@pytest.fixture
def paged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A terminal of 24 lines, and the file that its pager writes what it is given to."""
    path = tmp_path / "paged"
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PAGER", f"tee '{path}'")
    pretend(monkeypatch, is_terminal=True)
    return path


def pretend(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> None:
    stdout = SimpleNamespace(isatty=lambda: is_terminal, flush=lambda: None)
    monkeypatch.setattr(output, "sys", SimpleNamespace(stdout=stdout))


def test_what_does_not_fit_goes_through_the_pager(
    paged: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    print_text(LONG)
    assert paged.read_text() == f"{LONG}\n" == capfd.readouterr().out


@pytest.mark.parametrize("reason", ["it fits", "no terminal", "turned off", "not installed"])
def test_everything_else_is_printed(
    paged: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    reason: str,
) -> None:
    text = SHORT if reason == "it fits" else LONG
    if reason == "no terminal":
        pretend(monkeypatch, is_terminal=False)
    if reason in ("turned off", "not installed"):
        monkeypatch.setenv("PAGER", "" if reason == "turned off" else "no-such-pager")
    print_text(text)
    assert capfd.readouterr().out == f"{text}\n"
    assert not paged.exists()


def test_a_pager_that_is_left_early_is_no_error(
    paged: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAGER", "true")
    print_text("x" * 1_000_000 + LONG)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("words", [["query", "list"], ["report", "list"], ["config"]])
def test_a_list_fits_the_terminal_and_loses_no_word(
    monkeypatch: pytest.MonkeyPatch, words: list[str], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("PAGER", "")
    monkeypatch.setenv("SSELFIE_INTERNAL_DOMAINS", ",".join(f"{n}.example" for n in range(20)))
    monkeypatch.setenv("SSELFIE_SPEND_PAID_CREDITS_FIRST", "true")
    whole = CliRunner().invoke(app, words)
    pretend(monkeypatch, is_terminal=True)
    fitted = CliRunner().invoke(app, words)
    assert (fitted.exit_code, fitted.stderr) == (0, "")
    assert max(map(len, fitted.stdout.splitlines())) <= width
    shown, _, foot = fitted.stdout.rpartition("\n\n")
    assert foot == f"{len(whole.stdout.splitlines()) - 2} rows\n"
    # But for the rule, which is as wide as the table.
    assert "".join(shown.replace("-", "").split()) == "".join(whole.stdout.replace("-", "").split())
