"""``sselfie doctor`` over a real database and a real warehouse, well and ill."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sselfie_insights.errors import ExitCode
from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.setup.doctor import Finding
from sselfie_insights.setup.doctor.source import check_source, reader_statements
from sselfie_insights.setup.doctor.warehouse import check_warehouse
from sselfie_insights.sync import sync
from sselfie_insights.warehouse.lock import warehouse_lock
from sselfie_insights.warehouse.space import measure_space


@pytest.fixture
def settings(source: str, tmp_path: Path) -> Settings:
    """Settings of a reader with exactly the rights it needs, and its mirror."""
    owner = load_settings(database_url=source)
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute("\n".join(reader_statements(owner)).encode())
    settings = load_settings(
        database_url=make_conninfo(source, user="sselfie_reader"),
        warehouse=tmp_path / "w.duckdb",
        output_dir=tmp_path / "out",
    )
    sync(settings)
    return settings


def find(findings: list[Finding], part: str) -> Finding:
    [found] = [finding for finding in findings if finding.part == part]
    return found


def test_a_sound_source_has_no_reservations(settings: Settings) -> None:
    *findings, lacking = check_source(settings)
    assert {finding.state for finding in findings} == {"ok"}
    assert "like stripe_payments, user_credits, credit_transactions: what" in lacking.detail
    assert [finding.part for finding in findings] == [
        "database", "tables", "rights", "row security", "least rights",
    ]  # fmt: skip


def test_every_ill_of_the_source_has_its_remedy(source: str, settings: Settings) -> None:
    with psycopg.connect(source) as owner:
        owner.execute("drop policy sselfie_reader_reads_all on subscriptions")
        owner.execute("revoke select on users from sselfie_reader")
        owner.execute("grant insert on users to sselfie_reader")
    findings = list(check_source(settings))
    rights = find(findings, "rights")
    assert rights.state == "failed" and rights.exit_code == ExitCode.SOURCE
    assert "public.users" in rights.detail and rights.remedy.startswith("grant select")
    hidden = find(findings, "row security")
    assert "public.subscriptions" in hidden.detail and "create policy" in hidden.remedy
    assert find(findings, "least rights").state == "warning"


@pytest.mark.parametrize(
    ("change", "printed"),
    [
        ({"host": "ep-cool-1-pooler.eu.example"}, "pooled connection"),
        ({"host": "127.0.0.1", "port": "1"}, "Connection refused"),
        ({"dbname": "nowhere"}, "does not exist"),
    ],
)
def test_a_source_out_of_reach_is_one_failure(
    source: str, change: dict[str, str], printed: str
) -> None:
    url = make_conninfo(source, **change)
    [finding] = check_source(load_settings(database_url=url))
    assert finding.state == "failed" and finding.exit_code == ExitCode.SOURCE
    assert printed in finding.detail and finding.remedy


def test_an_empty_database_is_told(database: str) -> None:
    tables = find(list(check_source(load_settings(database_url=database))), "tables")
    assert tables.state == "failed" and "sselfie migrate apply" in tables.remedy


def test_a_mirror_without_marts_names_the_next_command(settings: Settings) -> None:
    findings = list(check_warehouse(settings))
    marts = find(findings, "marts")
    assert marts.state == "failed" and marts.remedy == "run 'sselfie build'"
    assert "3 tables mirrored" in find(findings, "warehouse").detail
    assert find(findings, "last run").detail.startswith("sync at ")
    for part in ("folder", "disk", "warehouse", "mode", "lock", "last run", "output"):
        assert find(findings, part).state == "ok", part


def test_every_ill_of_the_warehouse_has_its_remedy(settings: Settings, tmp_path: Path) -> None:
    settings.warehouse.chmod(0o644)
    (tmp_path / ".w.duckdb.private").mkdir()
    with (tmp_path / "w.duckdb.runs.jsonl").open("a") as journal:
        journal.write(json.dumps({
            "run_id": "r", "command": "sync", "started_at": "2026-11-20T02:00:00+00:00",
            "finished_at": "2026-11-20T02:00:01+00:00", "exit_code": 3, "error": "no route",
        }) + "\n")  # fmt: skip
    findings = list(check_warehouse(settings))
    assert find(findings, "mode").remedy == f"chmod 600 {settings.warehouse}"
    assert "a run died" in find(findings, "lock").detail
    last = find(findings, "last run")
    assert last.state == "warning" and last.detail.endswith("exit 3: no route")


def test_a_journal_that_cannot_be_read_hides_nothing_else(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "w.duckdb.runs.jsonl").unlink()
    (tmp_path / "w.duckdb.runs.jsonl").mkdir()
    findings = list(check_warehouse(settings))
    assert find(findings, "last run").state == "failed"
    assert find(findings, "output").state == "ok"


def test_a_warehouse_of_the_future_or_none_is_told(settings: Settings, tmp_path: Path) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("update meta.warehouse set format_version = 99")
    newer = find(list(check_warehouse(settings)), "warehouse")
    assert newer.state == "failed" and newer.exit_code == ExitCode.USAGE
    assert "upgrade sselfie-insights" in newer.remedy
    settings.warehouse.write_bytes(b"no database at all")
    assert find(list(check_warehouse(settings)), "warehouse").state == "failed"
    settings.warehouse.unlink()
    none = find(list(check_warehouse(settings)), "warehouse")
    assert (none.state, none.remedy) == ("warning", "run 'sselfie run'")
    settings.warehouse.mkdir()
    folder = list(check_warehouse(settings))
    assert find(folder, "lock").remedy == "set SSELFIE_WAREHOUSE to a file"
    assert find(folder, "output").state == "ok", "the rest is looked at all the same"


def test_the_disk_is_asked_for_what_a_run_needs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = measure_space(settings.warehouse).needed
    for free, state in ((needed, "ok"), (needed - 1, "failed")):
        usage = shutil.disk_usage(settings.warehouse.parent)._replace(free=free)
        monkeypatch.setattr("shutil.disk_usage", lambda path, usage=usage: usage)
        assert find(list(check_warehouse(settings)), "disk").state == state


def test_stale_marts_carry_the_exit_code_of_stale_data(business: Path, tmp_path: Path) -> None:
    warehouse = Path(shutil.copy(business, tmp_path))
    age = find(list(check_warehouse(load_settings(warehouse=warehouse, max_age="1m"))), "age")
    assert age.state == "failed" and age.exit_code == ExitCode.STALE
    assert find(list(check_warehouse(load_settings(warehouse=warehouse))), "age").state == "ok"


def test_the_command_tells_every_part_and_ends_as_the_first_failure(
    settings: Settings, tmp_path: Path
) -> None:
    with warehouse_lock(settings.warehouse):
        done = subprocess.run(
            [sys.executable, "-m", "sselfie_insights", "doctor"],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "SSELFIE_DATABASE_URL": settings.require_database_url(),
                "SSELFIE_WAREHOUSE": str(settings.warehouse),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == ExitCode.USAGE  # the marts were never built
    states = {line[9:22].strip(): line.split()[0] for line in done.stdout.splitlines()}
    others = {part: state for part, state in states.items() if state != "ok"}
    assert others == {"lacking": "warning", "marts": "failed", "lock": "warning"}
    assert {"settings", "libraries", "extension", "dbt", "database", "output"} <= states.keys()
    lock = next(line for line in done.stdout.splitlines() if line[9:].startswith("lock "))
    assert f"another run holds {settings.warehouse.resolve()}" in lock and "wait until" in lock
