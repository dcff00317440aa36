"""Every command's help holds an example that works, and the shell completes names."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from sselfie_insights.cli import app


def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every command below ``command`` that does something, and the words that call it."""
    commands = getattr(command, "commands", None)
    if commands is None:
        yield path, command
    for name, inner in (commands or {}).items():
        yield from walk(inner, f"{path} {name}")


COMMANDS = dict(walk(get_command(app), "sselfie"))


@pytest.mark.parametrize("group", [[], ["migrate"], ["query"], ["report"], ["segment"]])
def test_lists_of_commands_fit_80_columns_whole(group: list[str]) -> None:
    told = CliRunner().invoke(app, [*group, "--help"], env={"COLUMNS": "80"}).stdout
    assert max(map(len, told.splitlines())) <= 80
    assert "..." not in told.replace("[ARGS]...", "")


@pytest.mark.parametrize("path", COMMANDS)
def test_the_example_calls_the_command_with_options_it_has(path: str) -> None:
    command = COMMANDS[path]
    example = re.search(r"^\s*Example: (.+)$", command.help, re.MULTILINE)
    assert example, f"{path} has no line 'Example: {path} …' in its docstring"
    call = example[1]
    assert call == path or call.startswith(f"{path} ")
    known = {option for parameter in command.params for option in parameter.opts}
    options = {word.split("=")[0] for word in call.split() if re.match(r"--?[a-z]", word)}
    assert options <= known


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("sselfie query show churn/churn", ["churn/churn_by_member", "churn/churn_by_month"]),
        ("sselfie report show re", ["retention", "revenue"]),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_completes_names(shell: str, words: str, expected: list[str]) -> None:
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
    # Zsh is told in its own syntax: _arguments '*: :(("retention" "revenue"))'.
    told = done.stdout.split() if shell == "bash" else re.findall(r'"([^"]+)"', done.stdout)
    assert told == expected, done.stderr
