"""``sselfie init`` against a real database: what it writes, refuses, asks and prints."""

import os
import pty
import re
import select
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.query import OpenWarehouse, run_statement
from sselfie_insights.settings import load_settings
from sselfie_insights.sync import sync

SSELFIE = [sys.executable, "-m", "sselfie_insights"]
PASSWORD = "p@ss:w/rd"
CTRL_C, CTRL_D = "\x03", "\x04"
# A loaded machine starts Python slowly; nothing here takes a second on an idle one.
DEADLINE_SECONDS = 120


def run_init(folder: Path, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SSELFIE, "init", *words], cwd=folder, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, env=environment() | {"SSELFIE_DATABASE_URL": url},
    )  # fmt: skip


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def test_settings_are_written_without_the_password_and_work(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_init(tmp_path, make_conninfo(source, password=PASSWORD), "--timezone", "Europe/Oslo")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "sselfie.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PASSWORD not in path.read_text() + done.stdout + done.stderr
    assert "it belongs in " in done.stderr and ":PASSWORD" in done.stderr
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.timezone == "Europe/Oslo"
    assert conninfo_to_dict(settings.require_database_url()) == conninfo_to_dict(source)
    assert sync(load_settings()).row_count == 5


def test_settings_that_are_there_stay_as_they_are(source: str, tmp_path: Path) -> None:
    (tmp_path / "sselfie.toml").write_text("grace_days = 3\n")
    done = run_init(tmp_path, source)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: sselfie.toml is here already: edit it, or move it away; see 'sselfie config'"
    ]
    assert (tmp_path / "sselfie.toml").read_text() == "grace_days = 3\n"


def test_a_database_that_cannot_be_reached_leaves_nothing(source: str, tmp_path: Path) -> None:
    done = run_init(tmp_path, make_conninfo(source, dbname="nowhere", password=PASSWORD))
    assert done.returncode == 3
    assert "does not exist" in done.stderr and PASSWORD not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_schema_that_is_not_there_leaves_nothing(source: str, tmp_path: Path) -> None:
    done = run_init(tmp_path, source, "--source-schemas", "nowhere")
    assert done.returncode == 3
    assert "has no schema nowhere: set SSELFIE_SOURCE_SCHEMAS" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_the_connection_must_be_given(tmp_path: Path) -> None:
    done = run_init(tmp_path, "")
    assert done.returncode == 2
    assert "set SSELFIE_DATABASE_URL" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_printed_sql_makes_a_role_that_reads_everything_and_nothing_else(
    source: str, tmp_path: Path
) -> None:
    statements = run_init(tmp_path, source).stdout
    password = find_password(statements)
    with psycopg.connect(source, autocommit=True) as owner:
        owner.execute(statements.encode())
        (tmp_path / "sselfie.toml").unlink()
        second = run_init(tmp_path, source).stdout
        assert "password '" not in second, "nobody's password is set again"
        owner.execute(second.encode())
    reader = make_conninfo(source, user="sselfie_reader", password=password)
    again = tmp_path / "again"
    again.mkdir()
    done = run_init(again, reader)
    assert (done.returncode, done.stdout) == (0, ""), "nothing is left to grant"

    settings = load_settings(database_url=reader, warehouse=tmp_path / "w.duckdb")
    assert sync(settings).row_count == 5, "row-level security hides nothing"
    with OpenWarehouse(settings.warehouse) as warehouse:
        tokens = run_statement(
            warehouse.connection, "select access_token from raw.instagram_connections"
        )
    assert tokens.frame.rows() == [(None,)]
    # The owner's columns that tell changed rows are granted, so a second sync reads none.
    assert sync(settings).mode == "unchanged"
    with psycopg.connect(reader, autocommit=True) as connection:
        for statement in (
            "select access_token from instagram_connections",
            "delete from users",
            "create table mine (id integer)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("set default_transaction_read_only = off")
                connection.execute(statement.encode())


def find_password(statements: str) -> str:
    found = re.search(r"""create role "sselfie_reader" login password '([\w-]{32})';""", statements)
    assert found is not None, statements
    return found[1]


def test_a_role_that_reads_too_little_is_given_the_rest_itself(source: str, tmp_path: Path) -> None:
    with psycopg.connect(source, autocommit=True) as owner:
        owner.execute("create role half_a_reader login")
        try:
            owner.execute("grant select on users to half_a_reader")
            owner.execute("create policy hide on subscriptions as restrictive using (id > 1)")
            reader = make_conninfo(source, user="half_a_reader")
            statements = run_init(tmp_path, reader).stdout
            assert "sselfie_reader" not in statements and "password" not in statements
            assert "bypassrls" in statements, "a restrictive policy hides a row from everybody"
            owner.execute(statements.encode())
            settings = load_settings(database_url=reader, warehouse=tmp_path / "w.duckdb")
            assert sync(settings).row_count == 5
        finally:
            owner.execute("drop owned by half_a_reader; drop role half_a_reader")


def test_a_wrong_answer_is_asked_for_again(source: str, tmp_path: Path) -> None:
    nowhere = make_conninfo(source, dbname="nowhere")
    shown, code = type_in(
        tmp_path,
        [
            "postgres//half a url\n",
            *(f"{nowhere}\n", "\n", "Mars/Olympus\n", "\n"),
            *(f"{source}\n", "\n", "Europe/Oslo\n"),
        ],
    )
    assert code == 0, shown
    for words in ("that does not work: ", "unknown time zone 'Mars/Olympus'", "once more:"):
        assert words in shown
    assert 'timezone = "Europe/Oslo"' in (tmp_path / "sselfie.toml").read_text()


def test_on_a_terminal_it_asks_and_shows_no_password(source: str, tmp_path: Path) -> None:
    shown, code = type_in(tmp_path, [f"{source}\n", f"{PASSWORD}\n", "Europe/Oslo\n", "\n"])
    assert code == 0, shown
    assert PASSWORD not in shown
    text = (tmp_path / "sselfie.toml").read_text()
    assert 'timezone = "Europe/Oslo"' in text and PASSWORD not in text
    assert (tmp_path / "pgpass").read_text().endswith(":p@ss\\:w/rd\n")


@pytest.mark.parametrize("answers", [[CTRL_C], [CTRL_D], ["host=h\n", CTRL_C]])
def test_a_question_that_is_not_answered_leaves_nothing(tmp_path: Path, answers: list[str]) -> None:
    shown, code = type_in(tmp_path, answers)
    assert code == 130, shown
    assert list(tmp_path.iterdir()) == []


def type_in(folder: Path, answers: list[str]) -> tuple[str, int]:
    """Run ``sselfie init`` on a terminal of its own, an answer to each question."""
    child, terminal = pty.fork()
    if child == 0:  # the child: nothing but the command
        os.chdir(folder)
        own = {"TERM": "dumb", "PGPASSFILE": str(folder / "pgpass")}
        os.execve(sys.executable, [*SSELFIE, "init"], environment() | own)  # noqa: S606
    shown, typed = "", ""
    deadline, waiting = time.monotonic() + DEADLINE_SECONDS, list(answers)
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 10)[0]:
            if typed == CTRL_C:  # Python misses one between its prompt and its read: again, then
                os.write(terminal, typed.encode())
            continue
        try:
            part = os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # Linux says so when the child has gone
            break
        if not part:
            break
        shown += part
        if waiting and shown.rstrip("\r\n ").endswith(":") and shown.endswith(": "):
            typed = waiting.pop(0)
            os.write(terminal, typed.encode())
            shown += "\n"
    os.close(terminal)
    return shown, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
