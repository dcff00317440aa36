"""Where the command runs."""

import os
import subprocess
import sys
from pathlib import Path

NOISE = "A module that was compiled using NumPy 1.x cannot be run in NumPy 2"


def test_windows_gets_one_line_that_names_wsl() -> None:
    script = (
        "import runpy, sys\n"
        "sys.platform = 'win32'\n"
        "sys.modules['fcntl'] = None\n"
        "runpy.run_module('sselfie_insights', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "sselfie runs on Linux and macOS; on Windows, install and run it inside WSL"
    ]


def test_a_pyarrow_that_lies_about_writes_nothing_into_a_command(tmp_path: Path) -> None:
    """Great Expectations brings pandas, which looks for it."""
    (tmp_path / "pyarrow.py").write_text(
        f"import sys\nprint({NOISE!r}, file=sys.stderr)\nraise ImportError\n"
    )
    command = (
        "import sselfie_insights.cli as cli\ncli.app = lambda: __import__('pandas')\ncli.main()\n"
    )
    said = {
        name: subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stderr
        for name, script in (("alone", "import pandas"), ("command", command))
    }
    assert NOISE in said["alone"]
    assert said["command"] == ""
