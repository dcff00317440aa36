import subprocess
import sys

import pytest

HEAVY = {"dbt", "great_expectations", "pandas", "altair", "polars", "duckdb", "psycopg", "numpy"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sselfie_insights", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_imports_nothing_heavy() -> None:
    probe = (
        "import sys, sselfie_insights.cli as cli\n"
        "sys.argv = ['sselfie', '--help']\n"
        "try:\n    cli.main()\n"
        "except SystemExit as done:\n    assert not done.code\n"
        "print('loaded', *sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert "typer" in loaded
    assert loaded & HEAVY == set()


def test_a_mistake_is_told_in_one_line_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSELFIE_TIMEZONE", "Mars/Olympus")
    done = run("config")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "error: unknown time zone 'Mars/Olympus': use an IANA name such as Europe/Oslo"
    ]


def test_an_unknown_command_is_a_usage_error() -> None:
    assert run("frobnicate").returncode == 2
