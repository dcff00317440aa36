"""`sselfie migrate`: what it prints where, and how it exits."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from sselfie_insights.cli import main
from sselfie_insights.migrate import load_migrations
from tests.integration.migrate.conftest import Folder
from tests.integration.sync.servers import Server

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process; return exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sselfie", "migrate", *arguments])
        try:
            main()
            code = 0
        except SystemExit as done:
            code = int(done.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def mine(database: str, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three migrations of one's own, and a database for them, in the settings."""
    path = folder(
        "create table public.one (id integer);",
        "-- migrate: no-transaction\ncreate index concurrently one_idx on public.one (id);",
        "drop table public.one;",
    )
    monkeypatch.setenv("SSELFIE_DATABASE_URL", database)
    monkeypatch.setenv("SSELFIE_MIGRATIONS", str(path))
    return path


def test_the_way_through(run: Run, mine: Path) -> None:
    code, out, _ = run("plan", "--format", "json")
    assert code == 0
    assert [(item["item"], item["place"], item["detail"]) for item in json.loads(out)] == [
        ("apply", "0001_make_step1", "statements: 1"),
        ("apply", "0002_make_step2", "statements: 1, one by one"),
        ("apply", "0003_make_step3", "statements: 1"),
    ]

    code, out, err = run("apply", "--to", "2", "--format", "json")
    assert code == 0
    assert [item["name"] for item in json.loads(out)] == ["make_step1", "make_step2"]
    assert err.splitlines()[1:] == ["applied 0001_make_step1", "applied 0002_make_step2"]

    code, out, err = run("apply")
    assert (code, out) == (6, "")
    judged, error = err.splitlines()
    assert judged.startswith("judged on a copy")
    assert error.startswith("error: 1 step would lose something: 0003_make_step3.sql:1")

    assert run("apply", "--allow-destructive")[0] == 0
    code, out, err = run("apply")
    assert (code, out, err) == (0, "", "nothing to apply\n")

    code, out, _ = run("status", "--format", "json")
    assert code == 0
    states = [row["state"] for row in json.loads(out)]
    assert [state for state in states if state != "differs"] == ["applied"] * 3


def test_json_of_the_other_commands(
    run: Run, mine: Path, database: str, server15: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSELFIE_SCRATCH_URL", server15.url)
    with psycopg.connect(database) as connection:
        connection.execute("create table public.one (id bigint)")

    code, out, err = run("baseline", "1", "--format", "json")
    assert (code, err) == (0, "adopted at 0001; differences: 1\n")
    assert json.loads(out) == [
        {
            "kind": "column",
            "name": "public.one.id",
            "change": "changed",
            "before": "integer",
            "after": "bigint",
        }
    ]
    code, out, err = run("trace", "--to", "2", "--format", "json")
    assert code == 0
    assert err.startswith("judged on a copy")
    (traced,) = json.loads(out)
    assert (traced["file"], traced["line"], traced["error"]) == ("0002_make_step2.sql", 2, "")
    assert traced["locks"] == "public.one ShareUpdateExclusiveLock"
    assert traced["rewritten"] == ""
    code, out, _ = run("trace", "--to", "2", "-o", str(mine / "trace.csv"))
    assert (code, out) == (0, "")
    assert (mine / "trace.csv").read_text().startswith("file,line,statement,locks")


def test_lint(run: Run, mine: Path) -> None:
    run("apply", "--to", "2")
    code, out, err = run("lint", "--format", "json")
    assert code == 6
    (finding,) = json.loads(out)
    assert finding["rule"] == "dropping-object"
    assert (finding["file"], finding["line"]) == ("0003_make_step3.sql", 1)
    assert finding["severity"] == "error"
    assert finding["message"]
    assert finding["safer_form"]
    assert err.startswith("judged on a copy on an embedded server")
    (mine / "0003_make_step3.sql").write_text("select 1;")
    assert run("lint", "--format", "json")[:2] == (0, "[]\n")


def test_lint_of_a_url_of_prismas(
    run: Run, mine: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(database)
    url = f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}&port="
    monkeypatch.setenv("SSELFIE_DATABASE_URL", f"{url}{parts.get('port', 5432)}&schema=public")
    code, _, err = run("lint", "--format", "json")
    assert code == 0
    assert "left out of the database URL: schema=public" in err
    assert "judged on a copy" in err


def test_lint_without_a_database(run: Run, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSELFIE_MIGRATIONS", str(folder("create index i on public.one (id);")))
    code, out, _ = run("lint")
    assert code == 6
    assert "failing" in out


def test_new(run: Run, mine: Path) -> None:
    code, out, _ = run("new", "add_plans")
    assert (code, out) == (0, f"{mine}/0004_add_plans.sql\n")
    code, out, err = run("plan")
    assert (code, out) == (6, "")
    assert "0004_add_plans.sql holds no statement" in err


def test_new_needs_a_folder_of_ones_own(run: Run) -> None:
    code, _, err = run("new", "add_plans")
    assert code == 2
    assert "set SSELFIE_MIGRATIONS" in err


@pytest.mark.parametrize("command", ["status", "plan", "apply", "trace", "baseline"])
def test_errors_of_the_url(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    arguments = [command, "1"] if command == "baseline" else [command]
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: no database URL: set SSELFIE_DATABASE_URL")

    monkeypatch.setenv("SSELFIE_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/db")
    code, out, err = run(*arguments)
    assert (code, out) == (3, "")
    assert "127.0.0.1:1/db: Connection refused" in err
    assert "hunter2" not in err
    assert len(err.splitlines()) == 1

    monkeypatch.setenv("SSELFIE_DATABASE_URL", "postgresql://me:hun@ter2@127.0.0.1:1/db")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "ter2" not in err


def test_locked(run: Run, mine: Path, database: str) -> None:
    from sselfie_insights.postgres import advisory_lock, connect

    with connect(database, autocommit=True) as other, advisory_lock(other):
        code, out, err = run("apply", "--wait", "0")
    assert (code, out) == (75, "")
    assert "another run holds the database's lock" in err


@pytest.mark.parametrize(("answer", "code"), [("n", 130), ("y", 0)])
def test_on_a_terminal_it_asks(mine: Path, answer: str, code: int, database: str) -> None:
    (mine / "0003_make_step3.sql").unlink()
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "sselfie_insights", "migrate", "apply"]
    with subprocess.Popen(
        command, stdin=follower, stdout=subprocess.PIPE, stderr=follower, env=dict(os.environ)
    ) as process:
        os.close(follower)
        printed = b""
        while True:
            try:
                chunk = os.read(leader, 1000)
            except OSError:
                break
            if not chunk:
                break
            printed += chunk
            if printed.endswith(b"[y/N] "):
                # A file that comes now has not been shown.
                (mine / "0003_make_step3.sql").write_text("create table public.three ();")
                os.write(leader, f"{answer}\n".encode())
        assert process.stdout is not None
        assert process.stdout.read() == b""
    os.close(leader)
    assert process.returncode == code
    assert b"apply 0001_make_step1 statements: 1" in printed
    assert b"Apply this?" in printed
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "select to_regclass('public.one') is not null, to_regclass('public.three') is null"
        ).fetchone()
    assert row == (answer == "y", True)


def test_packaged_migrations_are_the_default(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSELFIE_DATABASE_URL", database)
    code, out, _ = run("plan", "--format", "json")
    assert code == 0
    assert len(json.loads(out)) == len(load_migrations())
