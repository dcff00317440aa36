"""The README names every command, setting and exit code, and nothing that is not there."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from sselfie_insights.cli import app
from sselfie_insights.contract import load_contract
from sselfie_insights.errors import ExitCode
from sselfie_insights.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_column(text: str, pattern: str) -> set[str]:
    return set(re.findall(rf"^\| `?{pattern}`? \|", text, re.MULTILINE))


def test_the_commands_are_those_of_the_program() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]  # the root is a group
    assert first_column(section("Commands"), r"sselfie (\w+)") == set(commands)


def test_the_settings_are_those_of_the_program() -> None:
    settings = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert first_column(section("Settings"), r"(SSELFIE_\w+)") == settings


def test_the_exit_codes_are_those_of_the_program() -> None:
    codes = {str(code.value) for code in ExitCode}
    assert first_column(section("Exit codes"), r"(\d+)") == codes


def test_every_documented_table_feeds_a_mart_or_is_named_with_the_reason() -> None:
    named = set(re.findall(r"`(\w+)`", section("What the numbers mean")))
    assert set(load_contract()) - named == set()


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", README, re.MULTILINE))
def test_every_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "line", re.findall(r"^(?:\.venv/bin/)?sselfie (.+)$", README, re.MULTILINE)
)
def test_every_example_names_real_commands_and_options(line: str) -> None:
    words = line.split("#")[0].split()
    command = get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]  # type: ignore[attr-defined]  # checked above
    known = {option for parameter in command.params for option in parameter.opts}
    options = {word.split("=")[0] for word in words if word.startswith("-")}
    assert options <= known
    assert not hasattr(command, "commands"), f"'sselfie {line}' stops at a group"
