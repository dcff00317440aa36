from pathlib import Path

import polars as pl
import psycopg
import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app
from sselfie_insights.migrate import apply

ARGUMENTS = ["simulate", "--users", "60", "--seed", "3", "--as-of", "2026-05-31"]


def test_the_command_fills_a_database_and_writes_the_key(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(database)
    monkeypatch.setenv("SSELFIE_DATABASE_URL", database)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [*ARGUMENTS, "--answers", "key"], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout == ""
    summary = result.stderr.strip()
    assert summary.startswith("simulated 60 users as of 2026-05-31 23:59:59 UTC, seed 3, in ")
    assert "\n" not in summary
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from users").fetchone() == (60,)
    churn = pl.read_parquet(tmp_path / "key" / "churn" / "churn_by_month.parquet")
    assert churn["is_complete"].all()  # as of the end of a month, that month is complete


def test_a_key_that_would_not_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSELFIE_GRACE_DAYS", "30")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [*ARGUMENTS, "--answers", "key"])
    assert "holds for 14 days of grace, and 30 are set" in str(result.exception)


def test_without_a_database_the_command_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ARGUMENTS)
    assert "SSELFIE_DATABASE_URL" in str(result.exception)
