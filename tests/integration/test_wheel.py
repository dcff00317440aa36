"""The wheel holds everything: installed beside what it asks for, it runs as a checkout does."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return what it printed to stdout."""
    # The installed command must not find the checkout through the developer's settings.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, as the demo's server does where root runs it."""
    with TemporaryDirectory(prefix="sselfie-wheel-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def find_requirements(wheel: Path, *extras: str) -> list[metadata.Distribution]:
    """Return what the wheel's own metadata asks for, and what that asks for, as installed here."""
    [itself] = metadata.distributions(path=[str(wheel)])
    waiting = [(itself, set(extras))]
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    while waiting:
        distribution, chosen = waiting.pop()
        for requirement in map(Requirement, distribution.requires or ()):
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in {"", *chosen}):
                continue
            name = canonicalize_name(requirement.name)
            wanted = {(name, extra) for extra in {"", *requirement.extras}}
            if not wanted <= seen:
                seen |= wanted
                found[name] = metadata.distribution(name)
                waiting.append((found[name], set(requirement.extras)))
    return list(found.values())


def link(distribution: metadata.Distribution, packages: Path) -> None:
    """Link every file of an installed distribution into another folder of packages."""
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file)))
        target = packages / file
        # No scripts, no bytecode that was never written, and what dbt's packages share but once.
        if ".." not in file.parts and source.exists() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)


@pytest.fixture
def wheel(open_folder: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", open_folder, cwd=ROOT)
    [wheel] = open_folder.glob("*.whl")
    return wheel


def test_a_wheel_holds_every_file_and_finds_its_own(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    for folder in ("sselfie_insights", "dbt_project", "queries", "reports"):
        inside = tmp_path / "sselfie_insights" / folder.removeprefix("sselfie_insights")
        files = {path.relative_to(ROOT / folder) for path in find_files(ROOT / folder)}
        assert files <= {path.relative_to(inside) for path in find_files(inside)}, folder
    # What lies in the working directory comes before the checkout that is installed here.
    command = "import runpy; runpy.run_module('sselfie_insights', run_name='__main__')"
    assert "revenue/mrr_movements" in run(
        sys.executable, "-c", command, "query", "list", cwd=tmp_path
    )
    for folder in ("dbt_project", "queries", "reports"):
        where = f"from sselfie_insights import resources as r; print(r.resource_dir('{folder}'))"
        inside = tmp_path / "sselfie_insights" / folder
        assert run(sys.executable, "-c", where, cwd=tmp_path).strip() == str(inside)


def find_files(folder: Path) -> list[Path]:
    """Return the files of the project below ``folder``, without what Python and dbt leave."""
    left = {"__pycache__", "target", "logs"}
    return [p for p in folder.rglob("*") if p.is_file() and not left & set(p.parts)]


@pytest.mark.slow
def test_an_installed_wheel_runs_the_demo(wheel: Path, open_folder: Path) -> None:
    """The libraries are those of this environment, linked into another one.

    It holds only what the wheel asks for, in the versions of the lock, without a network.
    """
    environment, empty = open_folder / "venv", open_folder / "empty"
    venv.create(environment)
    empty.mkdir()
    python = environment / "bin" / "python"
    [packages] = environment.glob("lib/python*/site-packages")
    for distribution in find_requirements(wheel, "demo"):
        link(distribution, packages)
    run(
        *(sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"),
        *("install", "--quiet", "--no-index", f"{wheel}[demo]"),
        cwd=empty,
    )

    said = run(environment / "bin" / "sselfie", "demo", "--users", "60", cwd=empty)

    assert re.search(r"^Members:  \d+", said, re.MULTILINE)
    index = Path(re.findall(r"^open (.+)$", said, re.MULTILINE)[0])
    assert index == empty / "out" / "site" / "index.html"
    pages = {page.stem for page in index.parent.glob("*.html")}
    assert pages == {"index"} | {report.stem for report in (ROOT / "reports").glob("*.yml")}
    where = "import sselfie_insights; print(sselfie_insights.__file__)"
    assert run(python, "-c", where, cwd=empty).startswith(str(environment))
