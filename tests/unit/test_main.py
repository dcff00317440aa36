"""Where the command runs."""

import subprocess
import sys


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
