"""Databases that cannot be migrated, or not so: rights, passwords, standbys, poolers."""

import json
import sys
from pathlib import Path

import psycopg
import pytest

from sselfie_insights.cli import main
from sselfie_insights.errors import ExitCode, MigrationError, SourceError
from sselfie_insights.migrate import apply, baseline, lint_folder, plan, read_status, scratch
from sselfie_insights.migrate.session import session
from tests.integration.migrate.conftest import Folder
from tests.integration.migrate.databases import rows, tables
from tests.integration.sync.servers import Server
from tests.support.waiting import reload_configuration


def test_a_broken_connection(database: str, folder: Folder) -> None:
    path = folder("create table public.one ();\nselect pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(SourceError, match="the connection broke"):
        apply(database, folder=path)
    assert tables(database) == []


def test_a_role_without_rights(target: str, folder: Folder) -> None:
    name = psycopg.conninfo.conninfo_to_dict(target)["dbname"]
    with psycopg.connect(target, autocommit=True) as admin:
        admin.execute(f"create role r_{name} login password 'p'")
    try:
        weak = psycopg.conninfo.make_conninfo(target, user=f"r_{name}", password="p")
        with pytest.raises(MigrationError, match="permission denied") as caught:
            apply(weak, folder=folder("create table public.one (id integer);"))
        assert "sselfie_migrations" in caught.value.remedy
        assert tables(target) == []
    finally:
        with psycopg.connect(target, autocommit=True) as admin:
            admin.execute(f"drop role r_{name}")


def test_a_standby_is_refused_and_can_be_looked_at(each_server: Server, folder: Folder) -> None:
    path = folder("create table public.one (id integer);")
    standby = each_server.create_standby()
    standby.start()
    try:
        with pytest.raises(MigrationError, match="is a standby"):
            apply(standby.url, folder=path)
        with pytest.raises(MigrationError, match="is a standby"):
            baseline(standby.url, 1, folder=path)
        assert [step.state for step in read_status(standby.url, folder=path).steps] == ["pending"]
        assert [m.version for m in plan(standby.url, folder=path).pending] == [1]
        assert lint_folder(path, standby.url).findings == ()
    finally:
        standby.stop()


def test_a_wrong_password(
    target: str,
    each_server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = f"guarded_{psycopg.conninfo.conninfo_to_dict(target)['dbname']}"
    with psycopg.connect(target, autocommit=True) as admin:
        admin.execute(f"create role {name} login password 'right'")
    rules = each_server.data / "pg_hba.conf"
    trusting = rules.read_text()
    rules.write_text(f"local all {name} scram-sha-256\n{trusting}")
    try:
        reload_configuration(each_server.url)
        wrong = psycopg.conninfo.make_conninfo(target, user=name, password="wrong-secret")
        monkeypatch.setenv("SSELFIE_DATABASE_URL", wrong)
        monkeypatch.setattr(sys, "argv", ["sselfie", "migrate", "apply"])
        with pytest.raises(SystemExit) as done:
            main()
    finally:
        rules.write_text(trusting)
        reload_configuration(each_server.url)
    assert done.value.code == ExitCode.SOURCE
    out, err = capsys.readouterr()
    assert out == ""
    assert "password authentication failed" in err
    assert "wrong-secret" not in err


def test_the_runner_names_itself(database: str, folder: Folder) -> None:
    path = folder("create table public.who as select current_setting('application_name') as name;")
    apply(database, folder=path)
    assert rows(database, "select name from public.who") == [("sselfie migrate",)]


def test_no_file_can_lift_the_guard_of_the_session(database: str) -> None:
    url = psycopg.conninfo.make_conninfo(database, options="-c work_mem=1MB")
    with session(url) as connection:
        connection.execute("set lock_timeout = 0")
        connection.execute("reset all")
        row = connection.execute(
            "select current_setting('lock_timeout'), current_setting('work_mem')"
        ).fetchone()
    assert row == ("5s", "1MB")


def test_a_pooler_is_refused_before_anything_is_asked_of_it(folder: Folder) -> None:
    url = "postgresql://me@ep-cool-pooler.eu.neon.tech/db"
    with pytest.raises(
        SourceError, match=r"pooled connection.*direct host ep-cool\.eu\.neon\.tech"
    ):
        apply(url, folder=folder("select 1;"))


def test_pg_dump_is_shown_the_database_in_no_command_line(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in its place keeps what it was shown; what that says is not repeated whole."""
    seen, program = tmp_path / "seen.json", tmp_path / "pg_dump"
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"json.dump([sys.argv, dict(os.environ)], open({str(seen)!r}, 'w'))\n"
        "sys.exit('I was given hunter2hunter2')\n"
    )
    program.chmod(0o700)
    monkeypatch.setattr(scratch, "_find_program", lambda name: str(program))
    monkeypatch.setenv("SSELFIE_DATABASE_URL", "postgresql://me:other@elsewhere/app")
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    given = {"password": "hunter2hunter2", "keepalives": "1", "application_name": "mine"}
    url = psycopg.conninfo.make_conninfo(database, **given)
    with pytest.raises(SourceError, match="I was given ") as caught:
        scratch._dump(url, with_owners=True)
    assert "hunter2" not in str(caught.value)
    arguments, environment = json.loads(seen.read_text())
    assert not [each for each in arguments if str(name) in each or "hunter2" in each]
    assert (environment["PGDATABASE"], environment["PGPASSWORD"]) == (name, "hunter2hunter2")
    assert environment["PGAPPNAME"] == "mine"
    assert "-c search_path=pg_catalog" in environment["PGOPTIONS"].replace("\\", "")
    assert "SSELFIE_DATABASE_URL" not in environment
