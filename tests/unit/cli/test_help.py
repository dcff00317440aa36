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
from tests.support.docs import ROOT, find_command, walk_commands


@pytest.mark.parametrize("group", [[], ["migrate"], ["query"], ["report"], ["segment"]])
def test_lists_of_commands_fit_80_columns_whole(group: list[str]) -> None:
    printed = CliRunner().invoke(app, [*group, "--help"], env={"COLUMNS": "80"}).stdout
    assert max(map(len, printed.splitlines())) <= 80
    assert "..." not in printed.replace("[ARGS]...", "")


@pytest.mark.parametrize(("path", "command"), list(walk_commands()))
def test_every_command_has_an_example_of_its_own(path: str, command: Any) -> None:
    example = re.search(r"^\s*Example: (.+)$", command.help, re.MULTILINE)
    assert example, f"{path} has no line 'Example: sselfie {path} …' in its docstring"
    called, found, words = find_command(shlex.split(example[1])[1:])
    assert found == path
    called.make_context(path, words)


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
