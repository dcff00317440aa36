"""No command repeats a URL, and no child process is shown more than it needs."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sselfie_insights.build import dbt
from sselfie_insights.cli import app
from sselfie_insights.errors import SselfieError
from sselfie_insights.setup.doctor import software
from sselfie_insights.system import child_environment, hidden_environment

CONNECTING = (
    ("sync",), ("verify",), ("run",), ("run", "--dry-run"), ("doctor",), ("init",), ("simulate",),
    ("build", "--target", "postgres"), ("migrate", "status"), ("migrate", "plan"),
    ("migrate", "apply"), ("migrate", "lint"), ("migrate", "trace", "1"), ("config",),
)  # fmt: skip


@pytest.mark.parametrize("command", CONNECTING, ids=" ".join)
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s%zzhunterhunter@127.0.0.1:1/app",
        "postgresql://me:12?sslmode=hunterhunter@127.0.0.1:1/app",
        "postgresql://me:a?schema=hunterhunter@127.0.0.1:1/app",
        "postgresql://me:hunterhunter@127.0.0.1:1/app",
    ],
)
def test_no_command_repeats_a_part_of_a_password(
    command: tuple[str, ...], url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sselfie_insights.sync.source.CONNECT_WAITS_SECONDS", ())
    # It connects to nothing, and its import takes `doctor` seconds.
    monkeypatch.setattr(software, "_check_dbt", lambda: "dbt is not asked")
    monkeypatch.setenv("SSELFIE_DATABASE_URL", url)
    done = CliRunner().invoke(app, command)
    assert "hunter" not in done.output
    assert "hunter" not in str(done.exception)
    assert done.exception is None or isinstance(done.exception, SselfieError | SystemExit)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"hunter" not in path.read_bytes(), path


def test_dbt_is_shown_neither_the_url_nor_accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen.json"
    program = tmp_path / "worker.py"
    program.write_text(
        "import json, os, sys\n"
        f"json.dump([sys.argv, dict(os.environ), sys.stdin.read()], open({str(seen)!r}, 'w'))\n"
    )
    monkeypatch.setattr(dbt, "PROCESS", program)
    monkeypatch.setenv("SSELFIE_DATABASE_URL", "postgresql://me:hunterhunter@db/app")
    monkeypatch.setenv("SSELFIE_PING_URL", "https://hc.example/hunterhunter")
    for name in ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "DBT_TOKEN"):
        monkeypatch.setenv(name, "hunterhunter")
    with pytest.raises(SselfieError):
        dbt.run_dbt(
            ["build"],
            target="duckdb",
            target_path=tmp_path,
            variables={"internal_accounts": ["anna@hunter.example"]},
            environment={"SSELFIE_DBT_WAREHOUSE": "w.duckdb"},
        )
    arguments, environment, said = json.loads(seen.read_text())
    assert "hunter" not in json.dumps([arguments, environment])
    assert json.loads(said) == {"internal_accounts": ["anna@hunter.example"]}
    assert environment["SSELFIE_DBT_WAREHOUSE"] == "w.duckdb"
    assert environment["PATH"] == os.environ["PATH"]


def test_a_child_gets_what_it_needs_and_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"HOME": "/h", "LC_ALL": "C", "TMPDIR": "/t", "PGHOST": "db",
                                        "SSELFIE_DATABASE_URL": "u", "TOKEN": "t"})  # fmt: skip
    common = {"HOME": "/h", "LC_ALL": "C", "TMPDIR": "/t"}
    assert child_environment() == common
    assert child_environment("PG", A="b") == common | {"PGHOST": "db", "A": "b"}
    before = dict(os.environ)
    with hidden_environment():
        assert os.environ == common | {"TOKEN": "t"}
    assert os.environ == before
