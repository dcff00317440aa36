"""The shell completes parameters with values, sections, publications, columns and segments."""

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app, main
from sselfie_insights.warehouse.publications import retain
from tests.support.business import write_business

PROBE = "import sys; sys.argv = ['sselfie']; from sselfie_insights.cli import main; main()"
COHORTS = "sselfie query run retention/activity_cohorts"
# Bash breaks a line into words at these, too; of its words the last is the one to complete.
BROKEN = re.compile(r"[=:]|[^\s=:]+")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_business(tmp_path_factory.mktemp("complete") / "w.duckdb")
    for day in (14, 15):
        retain(path, datetime(2026, 11, day, 13, tzinfo=UTC))
        path.write_bytes(path.read_bytes())
    return path


def complete(warehouse: Path, line: str, shell: str = "bash") -> list[str]:
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(sys, "argv", ["sselfie"])
        # Where there is one, Click takes it for the command's name.
        patch.setattr(sys.modules["__main__"], "__package__", None)
        patch.setattr("sselfie_insights.cli.complete._typed_before", [])
        for name, value in asked(warehouse, line, shell).items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit):
            main()
    return read(said.getvalue(), shell)


def asked(warehouse: Path, line: str, shell: str) -> dict[str, str]:
    """What the shell's script sets in the environment."""
    words = BROKEN.findall(line)
    if line.endswith(" "):
        words.append("")
    return {
        "SSELFIE_WAREHOUSE": str(warehouse),
        "_SSELFIE_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": "\n".join(words),  # as Typer's script joins them
        "COMP_CWORD": str(len(words) - 1),
    }


def read(said: str, shell: str) -> list[str]:
    if shell == "zsh":
        return [found.replace("\\\\:", ":") for found in re.findall(r'"([^"]+)"', said)]
    return said.split()


GRAINS = ["day", "week", "two_weeks", "month", "quarter", "year"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{COHORTS} -p gr", [f"grain={grain}" for grain in GRAINS]),
        (f"{COHORTS} -p mode=bracket -p m", []),  # given already
        ("sselfie segment show win_back -p ", ["cooldown_days=", "within_days="]),
        ("sselfie segment show win_back -p w", ["within_days=180"]),
        ("sselfie query run revenue/mrr_movements -p ", ["since=", "until="]),
        ("sselfie query run mrr_mov", ["mrr_movements"]),
        ("sselfie query run mrr_movements --columns month,clo", ["month,closing_mrr"]),
        ("sselfie explain c", ["churn", "credits"]),
        ("sselfie segment export win", ["win_back"]),
        ("sselfie query run no_such -p ", []),
    ],
)
def test_what_can_be_known_is_completed(warehouse: Path, line: str, expected: list[str]) -> None:
    assert complete(warehouse, line) == expected
    assert complete(warehouse, line, "zsh") == expected


@pytest.mark.parametrize(
    ("typed", "whole", "values"),
    [
        ("grain=", "grain=", GRAINS),
        ("grain=two", "grain=", ["two_weeks"]),
        ("breakdown=segment:win", "breakdown=segment:", ["win_back"]),
        ("breakdown=acq", "breakdown=", ["acquisition"]),
        ("grian=", "", []),
    ],
)
def test_values_come_as_each_shell_puts_them_in(
    warehouse: Path, typed: str, whole: str, values: list[str]
) -> None:
    """Bash replaces what stands behind the last ``=`` or ``:``, zsh and fish the whole word."""
    line = f"{COHORTS} -p {typed}"
    assert complete(warehouse, line) == values
    for shell in ("zsh", "fish"):
        assert complete(warehouse, line, shell) == [whole + value for value in values]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_asks_a_process_of_its_own(warehouse: Path, shell: str) -> None:
    line = f"{COHORTS} -p gr"
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={"PATH": os.environ["PATH"]} | asked(warehouse, line, shell),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert read(done.stdout, shell) == [f"grain={grain}" for grain in GRAINS]


def test_dates_are_first_days_of_this_year_and_month(warehouse: Path) -> None:
    before = datetime.now(UTC)
    found = complete(warehouse, "sselfie query run revenue/mrr_movements -p s")
    after = datetime.now(UTC)
    assert found in ([f"since={now:%Y}-01-01", f"since={now:%Y-%m}-01"] for now in (before, after))


def test_a_report_has_the_parameters_of_its_queries(warehouse: Path) -> None:
    line = "sselfie report show retention -p value="
    assert "retention_rate" in complete(warehouse, line)
    assert "week" in complete(warehouse, "sselfie report show retention -p grain=")


def test_publications_are_named_by_their_day(warehouse: Path) -> None:
    line = "sselfie query run members_now --publication "
    assert complete(warehouse, line) == ["2026-11-15", "2026-11-14", "latest"]
    assert complete(warehouse, f"{line}20261114") == ["20261114T130000Z"]


@pytest.mark.parametrize("report", ["overview", "churn", "retention"])
def test_sections_are_those_of_the_page(warehouse: Path, report: str) -> None:
    shown = CliRunner().invoke(
        app, ["report", "show", report, "--format", "json", "--warehouse", str(warehouse)]
    )
    sections = list(json.loads(shown.stdout)["sections"])
    assert complete(warehouse, f"sselfie report show {report} --section ") == sections != []


def test_without_a_warehouse_nothing_is_completed_and_nothing_fails(tmp_path: Path) -> None:
    assert complete(tmp_path / "w.duckdb", "sselfie report show overview --section ") == []
    assert complete(tmp_path / "w.duckdb", "sselfie status --publication ") == ["latest"]
