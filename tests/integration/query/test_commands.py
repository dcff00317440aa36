"""The command as a person or a script meets it: stdout, stderr, files and exit codes."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app, main
from sselfie_insights.errors import StaleError
from sselfie_insights.query import load_library
from sselfie_insights.report.definition import load_reports

SSELFIE = [sys.executable, "-m", "sselfie_insights"]


def sselfie(
    *words: str, warehouse: Path, stdin: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = {
        "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"),
        "SSELFIE_WAREHOUSE": str(warehouse),
    }  # fmt: skip
    return subprocess.run(
        [*SSELFIE, *words], input=stdin.encode(), capture_output=True, env=environment, cwd=cwd,
        check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet", "xlsx"])
def test_a_file_equals_the_redirect(business: Path, tmp_path: Path, form: str) -> None:
    words = ["query", "run", "churn/churn_by_month", "--format", form]
    redirect = sselfie(*words, warehouse=business)
    path = tmp_path / "out"
    written = sselfie(*words, "-o", str(path), warehouse=business)
    assert (redirect.returncode, written.returncode) == (0, 0)
    assert path.read_bytes() == redirect.stdout != b""
    assert written.stdout == b"" and redirect.stderr == written.stderr == b""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_suffix_names_the_format(business: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    sselfie("query", "run", "members_now", "-o", str(path), warehouse=business)
    assert pl.read_parquet(path).height == 12


def test_stdin_is_run_read_only(business: Path) -> None:
    before = business.read_bytes()
    done = sselfie("query", "run", "-", "--format", "json", warehouse=business,
                   stdin="select count(*) as n from marts.dim_users")  # fmt: skip
    assert json.loads(done.stdout) == [{"n": 340}]
    refused = sselfie("query", "run", "-", warehouse=business, stdin="drop table marts.dim_users")
    assert refused.returncode == 2
    assert refused.stderr == b"error: give one SELECT statement: the warehouse is read-only\n"
    unknown = sselfie("query", "run", "-", warehouse=business, stdin="from marts.dim_user")
    assert b"Did you mean \"dim_users\"? 'show all tables' lists them" in unknown.stderr
    assert business.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["query", "run", "mrr_movement"], "did you mean 'revenue/mrr_movements'"),
        (["query", "run", "stickiness", "-p", "sinc=2026-01-01"], "did you mean 'since'"),
        (
            ["query", "run", "engagement/active_users", "-p", "grain=hour"],
            "choices: day, week, month",
        ),
        (["query", "run", "activity_cohorts", "-p", "brackets=1-3"], "needs mode=bracket: add"),
        (
            ["query", "run", "stickiness", "-p", "since=2026-10-01", "-p", "until=2026-05-01"],
            "since 2026-10-01 is after until 2026-05-01: swap",
        ),
        (
            ["report", "show", "churn", "-p", "since=2026-10-01", "-p", "until=2026-05-01"],
            "since 2026-10-01 is after until 2026-05-01: swap",
        ),
        (["query", "show", "nothing"], "see 'sselfie query list'"),
        (["report", "show", "churm"], "did you mean 'churn'"),
        (["report", "show", "churn", "--format", "csv", "--section", "x"], "sections: "),
        (["report", "show", "churn", "--section", "losses"], "did you mean 'losses-by-kind'? "),
        (["query", "run", "stickiness", "-o", "x.xls"], "no format is called 'xls': choose one"),
        (["segment", "export", "power_users", "-o", "x.xls"], "no format is called 'xls'"),
        (["export", "--mart", "fct_activty"], "did you mean 'fct_activity'"),
        (["query", "run", "stickiness", "-o", "/nowhere/x.csv"], "cannot be written"),
        (["export", "-o", "/usr"], "is no part of an earlier export"),
        (["export", "-o", "/nowhere/x/y", "--mart", "nix"], "there is no mart 'nix'"),
    ],
)
def test_a_mistake_is_one_line_with_a_remedy(
    business: Path,
    words: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["sselfie", *words])
    monkeypatch.setenv("SSELFIE_WAREHOUSE", str(business))
    with pytest.raises(SystemExit) as ended:
        main()
    shown, printed = capfd.readouterr()
    assert ended.value.code == 2
    assert shown == ""
    lines = printed.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ") and message in lines[0]
    assert not business.with_name(f"{business.name}.segments.jsonl").exists(), "nobody is exported"


def test_no_warehouse_names_the_commands(tmp_path: Path) -> None:
    for words in (["query", "run", "stickiness"], ["report", "show", "churn"], ["report", "site"]):
        done = sselfie(*words, warehouse=tmp_path / "none.duckdb", cwd=tmp_path)
        assert done.returncode == 2
        assert b"run 'sselfie run'" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        "query run churn_by_month", "report show churn", "report site -o site",
        pytest.param("export -o export", marks=pytest.mark.slow),
        "segment list", "segment show power_users", "segment export power_users",
        "explain credits",
    ],
)  # fmt: skip
def test_old_data_is_served_and_told(
    business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(business, "warehouse.duckdb")
    done = CliRunner().invoke(app, line.split(), env={"SSELFIE_MAX_AGE": "26h"})
    assert isinstance(done.exception, StaleError), done.output
    assert done.stdout != ""


def test_personal_data_comes_only_by_flag(business: Path) -> None:
    plain = sselfie("query", "run", "members_now", "--format", "csv", warehouse=business)
    personal = sselfie(
        "query", "run", "members_now", "--format", "csv", "--with-personal-data",
        warehouse=business,
    )  # fmt: skip
    assert b"@" not in plain.stdout and b"email" not in plain.stdout
    assert b"u1@example.org" in personal.stdout


def test_off_a_terminal_the_report_is_plain_text(business: Path) -> None:
    done = sselfie("report", "show", "retention", warehouse=business)
    assert b"\x1b" not in done.stdout and done.stderr == b""
    coloured = sselfie("report", "show", "retention", "--color", "always", warehouse=business)
    assert b"\x1b[" in coloured.stdout


def test_show_tells_everything_about_a_query(business: Path) -> None:
    words = ["query", "show", "activity_cohorts", "-p", "grain=week", "-p", "return=chat"]
    text = sselfie(*words, warehouse=business).stdout.decode()
    for part in (
        "Of the users who started in one period", "Grain: One row per segment",
        "One of on, on_or_after, bracket.", "retention_rate  rate   Retained / at risk.",
        "Reads: marts.build_info, marts.fct_activity, marts.dim_users", "// 7) - start_no",
        "Ranges of period indexes, e.g. 1-3,4-7,8-14. Needs mode=bracket.",
        "where feature = $return",
    ):  # fmt: skip
        assert part in text


def test_lists_name_everything(tmp_path: Path, business: Path) -> None:
    queries = json.loads(sselfie("query", "list", "--format", "json", warehouse=business).stdout)
    assert {"query": "churn/churn_by_month", "title": "Churn by month"} in queries
    assert [row["query"] for row in queries] == list(load_library())
    path = tmp_path / "reports.csv"
    done = sselfie("report", "list", "-o", str(path), warehouse=business)
    assert (done.returncode, done.stdout) == (0, b"")
    assert pl.read_csv(path)["report"].to_list() == list(load_reports())
    settings = json.loads(sselfie("config", "--format", "json", warehouse=business).stdout)
    ours = {"setting": "warehouse", "source": "SSELFIE_WAREHOUSE", "value": str(business)}
    assert ours in settings
    plain = sselfie("report", "list", warehouse=business).stdout.decode().splitlines()
    assert len(plain) == 2 + len(load_reports()), "off a terminal a row is a line"
