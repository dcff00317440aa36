"""The wheel alone, in an empty venv and an empty directory, does all that a checkout does."""

import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

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
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, as the demo's server does where root runs it."""
    with TemporaryDirectory(prefix="sselfie-wheel-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_an_installed_wheel_runs_the_demo(open_folder: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", open_folder, cwd=ROOT)
    [wheel] = open_folder.glob("*.whl")
    environment, empty = open_folder / "venv", open_folder / "empty"
    venv.create(environment, with_pip=True)
    empty.mkdir()
    versions = open_folder / "versions.txt"
    lock = (ROOT / "requirements.lock").read_text()
    versions.write_text("\n".join(re.findall(r"^[\w.\[\]-]+==[^\\\n]+", lock, re.MULTILINE)))
    python = environment / "bin" / "python"
    run(
        *(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
        *("--constraint", versions, f"{wheel}[demo]"),
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
