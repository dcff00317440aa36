import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.warehouses import User, write_warehouse

HEAVY = {"dbt", "great_expectations", "pandas", "altair", "polars", "duckdb", "psycopg", "numpy"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sselfie_insights", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def modules_of(*arguments: str) -> set[str]:
    """The top-level modules that the command has loaded when it ends well."""
    probe = (
        "import sys, sselfie_insights.cli as cli\n"
        f"sys.argv = ['sselfie', *{arguments!r}]\n"
        "try:\n    cli.main()\n"
        "except SystemExit as done:\n    assert not done.code\n"
        "print('loaded', *sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stderr.split()}


def test_help_imports_nothing_heavy() -> None:
    loaded = modules_of("--help")
    assert "typer" in loaded
    assert loaded & (HEAVY | {"pydantic", "rich", "yaml"}) == set()


def test_a_query_with_bound_values_imports_nothing_heavy_but_duckdb(tmp_path: Path) -> None:
    """DuckDB's client would import pandas, and numpy with it, to bind a value."""
    warehouse = write_warehouse(tmp_path / "w.duckdb", [], datetime(2026, 3, 1, tzinfo=UTC))
    query = ("query", "run", "retention/activity_cohorts", "-p", "since=2026-01-01")
    loaded = modules_of(*query, "--warehouse", str(warehouse))
    assert loaded & HEAVY == {"duckdb"}


@pytest.mark.parametrize("report", ["overview", "retention"])
def test_a_report_loads_neither_pandas_nor_dbt(tmp_path: Path, report: str) -> None:
    """One bound value anywhere on its way would cost half a second."""
    warehouse = write_warehouse(tmp_path / "w.duckdb", [], datetime(2026, 3, 1, tzinfo=UTC))
    loaded = modules_of("report", "show", report, "--warehouse", str(warehouse))
    # NumPy solves for what has to be hidden.
    assert loaded & HEAVY <= {"duckdb", "polars", "numpy"}


def test_a_terminal_gets_a_screenful_of_periods_and_a_file_all(tmp_path: Path) -> None:
    ada = User("ada", datetime(2026, 2, 1, tzinfo=UTC), [])
    path = write_warehouse(tmp_path / "w.duckdb", [ada], datetime(2026, 3, 1, tzinfo=UTC))
    query = (
        "query",
        "run",
        "retention/activity_cohorts",
        "-p",
        "grain=day",
        "-p",
        "until=2026-02-01",
    )
    shown = run(*query, "--warehouse", str(path))
    assert "periods=18" in shown.stderr
    # From 1 February to 1 March there are 29 days, of which 28 have ended and have a mean.
    assert len(shown.stdout.splitlines()) == 2 + 18 + 18
    whole = run(*query, "--warehouse", str(path), "--format", "csv")
    assert "periods" not in whole.stderr
    assert len(whole.stdout.splitlines()) == 1 + 29 + 28


def test_a_mistake_is_told_in_one_line_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSELFIE_TIMEZONE", "Mars/Olympus")
    done = run("config")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "error: unknown time zone 'Mars/Olympus': use an IANA name such as Europe/Oslo"
    ]


@pytest.mark.parametrize("end", ["raise RuntimeError('odd')", "raise SystemExit(3)", "return"])
def test_whatever_follows_an_interrupt_ends_as_interrupted(end: str) -> None:
    probe = (
        "import signal, sselfie_insights.cli as cli\n"
        "def app():\n"
        "    try:\n        signal.raise_signal(signal.SIGTERM)\n"
        "    except KeyboardInterrupt:\n        pass\n"
        f"    {end}\n"
        "cli.app = app\ncli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_an_unknown_command_is_a_usage_error() -> None:
    assert run("frobnicate").returncode == 2


@pytest.mark.parametrize(
    ("redirect", "code", "printed"),
    [
        ("| true", 0, ""),  # the reader has gone before anything is written
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        ("> /dev/full", 2, "error: No space left on device\n"),
    ],
)
def test_wherever_stdout_leads_there_is_no_traceback(
    redirect: str, code: int, printed: str
) -> None:
    call = f"{sys.executable} -m sselfie_insights query list {redirect}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["/bin/bash", "-c", call], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, printed)


def test_text_is_utf_8_in_every_locale(tmp_path: Path) -> None:
    warehouse = write_warehouse(tmp_path / "w.duckdb", [], datetime(2026, 3, 1, tzinfo=UTC))
    words = ["query", "run", "-", "--warehouse", str(warehouse), "--format", "csv"]
    for sql, code, out, err in (
        ("select 'ø日' as x", 0, "x\nø日\n".encode(), b""),
        (b"select '\xff'", 2, b"", b"error: stdin is not in UTF-8: convert it, e.g. with iconv\n"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "sselfie_insights", *words],
            input=sql if isinstance(sql, bytes) else sql.encode(),
            env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (code, out, err)
