"""``sselfie run`` and ``sselfie status`` as a crontab meets them."""

import json
import re

import duckdb
import pytest

from sselfie_insights.cli import main
from sselfie_insights.errors import ExitCode
from sselfie_insights.warehouse.lock import warehouse_lock
from tests.integration.run.conftest import Nightly


def finish(nightly: Nightly, *arguments: str, **environment: str) -> tuple[int, str, str]:
    run = nightly.command(*arguments, **environment)
    out, printed = run.communicate(timeout=600)
    return run.returncode, out, printed


def test_the_whole_way_as_a_command(nightly: Nightly) -> None:
    code, out, printed = finish(nightly, "run", "--dry-run")
    assert (code, printed) == (0, "")
    known = dict(line.split("\t")[::2] for line in out.splitlines())
    assert list(known) == ["sync", "check", "build", "publish", "render", "export"]
    assert known["sync"].startswith("2 tables of ")
    assert "never mirrored" in known["sync"]
    assert known["render"] == f"1 reports to {nightly.out / 'site'}"
    assert {path.name for path in nightly.folder.iterdir()} == set()

    with warehouse_lock(nightly.warehouse):
        code, out, printed = finish(nightly, "run", "--quiet")
    assert (code, out) == (ExitCode.LOCKED, "")
    assert printed.startswith(f"error: another run holds {nightly.warehouse}: process ")

    # Silent on success, or one line; dbt builds.
    assert finish(nightly, "run", "--quiet") == (0, "", "")
    for form in ("text", "json"):
        code, out, printed = finish(nightly, "run", "--steps", "publish", "--log-format", form)
        assert (code, out) == (0, "")
        [line] = printed.splitlines()
        words = line if form == "text" else json.loads(line)["event"]
        assert words.startswith("done in ") and f"published {nightly.warehouse}" in words
    assert nightly.rounds() == {0}
    with duckdb.connect(nightly.warehouse, read_only=True) as db:
        assert db.sql("select count(*) from snapshots.a_history").fetchall() == [(50,)]
        suites = "select suite, status, count(*) from meta.check_results group by all order by all"
        assert db.sql(suites).fetchall() == [("marts", "passed", 1), ("mirror", "passed", 1)]

    code, out, printed = finish(nightly, "status", "--format", "json", "--max-age", "1h")
    assert (code, printed) == (0, "")
    items = {row["item"]: row for row in json.loads(out)}
    assert items["last run"]["detail"] == "run, published"
    assert "failing" not in items

    with duckdb.connect(nightly.warehouse) as db:
        db.execute("update meta.sync_runs set snapshot_at = snapshot_at - interval 27 hour")
        db.execute("update raw.b set round = 7")  # the source says 0, and is not asked again
    code, out, printed = finish(
        nightly, "run", "--steps", "check,build,publish", "--log-format", "json", "-v"
    )
    assert (code, out) == (ExitCode.CHECKS_FAILED, "")
    lines = [json.loads(line) for line in printed.splitlines()]
    assert lines[-1]["level"] == "error"
    assert lines[-1]["exit_code"] == ExitCode.CHECKS_FAILED
    assert "one_round" in lines[-1]["event"]
    assert {"check"} <= {line.get("step") for line in lines}

    code, out, printed = finish(nightly, "status", "--max-age", "26h")
    assert code == ExitCode.STALE
    assert re.search(r"27\.\d hours ago", printed)
    assert "failing" in out
    assert "one_round" in out


def test_what_cannot_be_asked_for(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in nightly.environment().items():
        monkeypatch.setenv(name, value)
    for arguments, words in (
        (["--steps", "sync,bild"], "there is no step 'bild'"),
        (["--until", "sink"], "there is no step 'sink'"),
        (["--steps", "render", "--until", "build"], "no step of 'render' comes up to 'build'"),
        (["--steps", "sync,publish"], "would publish what nobody checked"),
        (["--timeout", "soon"], "'soon' is not a duration"),
        (["--timeout", "0h", "--log-format", "json"], '"exit_code": 2, "event": "--timeout 0'),
    ):
        monkeypatch.setattr("sys.argv", ["sselfie", "run", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, printed = capfd.readouterr()
        assert (ended.value.code, out) == (ExitCode.USAGE, ""), printed
        assert words in printed
    assert {path.name for path in nightly.folder.iterdir()} == set()
