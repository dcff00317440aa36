"""What the README shows, run as it stands there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()


def code_blocks(title: str, language: str) -> list[str]:
    """Return the blocks of code of a language in a section of the README."""
    section = README.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def run_line(line: str, folder: Path, **environment: str) -> str:
    """Run a line of the README in ``folder`` and return what it printed to stdout."""
    words = shlex.split(line, comments=True)
    assert words[0] == "sselfie"
    done = subprocess.run(
        [sys.executable, "-m", "sselfie_insights", *words[1:]],
        cwd=folder,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout


NEWCOMER = [
    line
    for line in code_blocks("Your own database", "sh")[0].splitlines()
    if line.startswith(("pip ", "sselfie "))
]
"""The commands from an installed Python to a report over an own database."""
