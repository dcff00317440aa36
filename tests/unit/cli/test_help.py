"""Every command's help holds an example that works, and the shell completes names."""

import os
import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app
from sselfie_insights.cli.group import Panel
from tests.support.docs import ROOT, find_command, walk_commands


@pytest.mark.parametrize("group", [[], ["migrate"], ["query"], ["report"], ["segment"]])
def test_lists_of_commands_fit_80_columns_whole(group: list[str]) -> None:
    printed = CliRunner().invoke(app, [*group, "--help"], env={"COLUMNS": "80"}).stdout
    assert max(map(len, printed.splitlines())) <= 80
    assert "..." not in printed.replace("[ARGS]...", "")


def test_commands_are_listed_by_what_they_are_for() -> None:
    printed = CliRunner().invoke(app, ["--help"]).stdout
    heads = re.findall(r"^(\S.*):$", printed, re.MULTILINE)
    assert heads == ["Options", *Panel]
    [read] = (part for part in printed.split("\n\n") if part.startswith(Panel.READ))
    listed = [line.split()[0] for line in read.splitlines()[1:]]
    assert listed == ["alerts", "diff", "digest", "explain", "query", "report", "status"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["report", "overview"], "sselfie report show overview"),
        (["query", "mrr_movements"], "sselfie query run mrr_movements"),
        (["query", "revenue/mrr_movements"], "sselfie query run revenue/mrr_movements"),
    ],
)
def test_a_name_in_the_place_of_a_command_brings_the_command(words: list[str], hint: str) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert f"Did you mean '{hint}'?" in done.stderr


@pytest.mark.parametrize(("path", "command"), list(walk_commands()))
def test_every_command_has_an_example_of_its_own(path: str, command: Any) -> None:
    text = f"{command.help}\n{command.epilog or ''}"
    calls = re.findall(r"^\s*(?:Example: |  )(sselfie .+)$", text, re.MULTILINE)
    assert calls, f"{path} has no line 'Example: sselfie {path} …' in its help"
    for call in calls:
        called, found, words = find_command(shlex.split(call)[1:])
        assert found == path
        called.make_context(path, words)
        assert len(call) <= 76, "an example stays on its line"


@pytest.mark.parametrize(
    ("words", "folder", "pattern"),
    [
        ("sselfie query show churn/churn", "queries", "churn/churn*.sql"),
        ("sselfie report show re", "reports", "re*.yml"),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_completes_names(shell: str, words: str, folder: str, pattern: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from sselfie_insights.cli import app; app(prog_name='sselfie')"],
        env={
            "PATH": os.environ["PATH"],
            "_SSELFIE_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": words,
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    # Zsh has a syntax of its own: _arguments '*: :(("retention" "revenue"))'.
    printed = done.stdout.split() if shell == "bash" else re.findall(r'"([^"]+)"', done.stdout)
    files = (ROOT / folder).glob(pattern)
    expected = sorted(path.relative_to(ROOT / folder).with_suffix("").as_posix() for path in files)
    assert printed == expected != [], done.stderr
