"""A run publishes all or nothing, and says which."""

import json
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import duckdb
import pytest

from sselfie_insights import check
from sselfie_insights.build.marts import build, build_into
from sselfie_insights.errors import (
    ChecksFailedError,
    ExitCode,
    SourceError,
    SselfieError,
    StorageError,
    UsageError,
)
from sselfie_insights.run import pipeline
from sselfie_insights.run.status import list_refused_exports
from sselfie_insights.run.steps import STEPS
from sselfie_insights.warehouse.journal import read_journal
from sselfie_insights.warehouse.paths import journal_path
from sselfie_insights.warehouse.publications import is_intact, is_whole, list_publications
from tests.integration.run.conftest import ROWS, Nightly

BANNER = "The latest update failed, so what happened since is missing."
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


def test_everything_in_order(nightly: Nightly) -> None:
    report = nightly.run()
    assert list(report.steps) == ["copy", *STEPS]
    assert nightly.rounds() == {0}
    assert [kept.name for kept in list_publications(nightly.warehouse)] == [report.publication]
    assert report.index == nightly.out / "site" / "index.html"
    assert BANNER not in nightly.page()
    assert report.export is not None
    assert (report.export / "csv" / "rounds.csv").exists()
    entry = nightly.last()
    assert (entry["command"], entry["exit_code"]) == ("run", 0)
    assert (entry["published"], entry["publication"]) == (True, report.publication)
    assert [step["name"] for step in entry["steps"]] == ["copy", *STEPS]
    with duckdb.connect(nightly.warehouse, read_only=True) as db:
        assert db.sql("select run_id from meta.sync_runs").fetchall() == [(report.run_id,)]
        assert db.sql("select check_name, status from meta.check_results").fetchall() == [
            ("one_round", "passed")
        ]
    assert nightly.left_over() == set()


def test_a_quiet_source_is_read_and_published_all_the_same(nightly: Nightly) -> None:
    first, second = nightly.run(), nightly.run()
    assert first.publication != second.publication
    with duckdb.connect(nightly.warehouse, read_only=True) as db:
        syncs = db.sql(
            "select run_id, rows_inserted + rows_updated + rows_deleted from meta.sync_runs"
            " order by snapshot_at"
        ).fetchall()
        spoken = db.sql(
            "select max(snapshot_at) = any_value(as_of::timestamptz) from meta.sync_runs,"
            " marts.build_info"
        ).fetchall()
    assert syncs == [(first.run_id, 2 * ROWS), (second.run_id, 0)]
    assert spoken == [(True,)]


def test_a_refused_export_is_named_and_the_night_goes_on(
    nightly: Nightly, capsys: pytest.CaptureFixture[str]
) -> None:
    exports = nightly.folder / "exports"
    exports.mkdir()
    header = "balance_transaction_id,created_utc,currency,gross,reporting_category\n"
    row = "txn_{},2026-02-05 10:00:02,usd,97.00,charge\n"
    (exports / "good.csv").write_text(header + row.format(1))
    (exports / "cut.csv").write_text(header + row.format(2) + "txn_3,2026-02")
    assert nightly.run(stripe_exports=exports).publication
    assert "cut.csv, line 3" in capsys.readouterr().err
    assert nightly.last()["sync"]["exports_refused"] == ["cut.csv"]
    with duckdb.connect(nightly.warehouse, read_only=True) as db:
        assert db.sql("select id from stripe_export.balance_rows").fetchall() == [("txn_1",)]
        ((item, name, reason),) = list_refused_exports(db)
    assert (item, name) == ("refused export", "cut.csv")
    assert "line 3" in reason


def test_a_failed_check_publishes_nothing_and_the_pages_say_so(
    nightly: Nightly, capsys: pytest.CaptureFixture[str]
) -> None:
    nightly.run()
    before = nightly.digest()
    nightly.turn()
    with duckdb.connect(nightly.warehouse) as db:  # nobody should, and then the check sees it
        db.execute("create or replace table raw.b as select id, 77 as round, v from raw.b")
    tampered = nightly.digest()
    nightly_before = {path: path.read_bytes() for path in (nightly.out / "exports").rglob("*.csv")}
    with pytest.raises(ChecksFailedError, match="one_round"):
        nightly.run(steps=("check", "build", "publish", "render", "export"))
    assert before != tampered == nightly.digest()
    assert nightly.left_over() == set()
    assert BANNER in nightly.page()
    assert "one_round" in nightly.last()["error"]
    entry = nightly.last()
    assert (entry["exit_code"], entry["failed_step"]) == (ExitCode.CHECKS_FAILED, "check")
    assert entry["published"] is False
    assert {p: p.read_bytes() for p in (nightly.out / "exports").rglob("*.csv")} == nightly_before
    capsys.readouterr()


def test_the_banner_goes_with_the_next_good_run(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly.run()
    before = nightly.digest()
    nightly.turn()
    with monkeypatch.context() as patch:
        patch.setattr(check, "check_mirror", lambda *_: [_failing("error")])
        for _ in range(2):
            with pytest.raises(ChecksFailedError):
                nightly.run()
    assert nightly.digest() == before
    assert BANNER in nightly.page()
    nightly.run()
    assert nightly.rounds() == {1}
    assert "failed" not in nightly.page()


def test_a_warning_is_published_with_the_data(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "check_mirror", lambda *_: [_failing("warn")])
    report = nightly.run()
    assert report.publication
    assert any("1 warn: too_few" in step for step in report.done)
    assert "1 check did not pass" in nightly.page()


def _failing(severity: check.results.Severity) -> check.CheckResult:
    return check.CheckResult(
        run_id="", checked_at=datetime.now(UTC), suite="mirror", check_name="too_few",
        table_name="a", column_name=None, severity=severity, status="failed", failed_rows=None,
        checked_rows=None, detail="3 rows",
    )  # fmt: skip


def test_what_was_not_asked_for_is_not_done(nightly: Nightly) -> None:
    report = nightly.run(steps=("sync", "check", "build"))
    assert report.publication is None
    assert not nightly.warehouse.exists()
    assert not nightly.out.exists()
    assert nightly.last()["published"] is False
    with pytest.raises(UsageError, match="no warehouse"):
        nightly.run(steps=("build", "publish"))
    nightly.run()
    nightly.turn()
    nightly.run(steps=("build", "publish"))  # from the mirror as it is
    assert nightly.rounds() == {0}


def test_severities_of_no_test_of_the_marts_are_refused_before_anything_is_read(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    severities = nightly.folder / "checks.yml"
    severities.write_text("marts:\n  rounds_agre: warn\n")
    with pytest.raises(UsageError, match="'rounds_agre': did you mean 'rounds_agree'"):
        nightly.run(database_url=NOWHERE)
    assert not nightly.warehouse.exists()
    severities.write_text("marts:\n  rounds_*: warn\n")
    # The names are known by now; dbt is not asked again.
    monkeypatch.setattr("sselfie_insights.build.dbt.PROCESS", nightly.folder / "none.py")
    nightly.run()
    severities.write_text("marts:\n  rounds_agree: fatal\n")
    with pytest.raises(UsageError, match="'fatal' is no severity, of 'rounds_agree'"):
        build(nightly.settings())


def test_a_wrong_alerts_file_is_refused_before_anything_is_read(nightly: Nightly) -> None:
    nightly.run()
    nightly.turn()
    alerts = nightly.folder / "alerts.yml"
    alerts.write_text("alerts: [{name: round, query: rounds, column: lost, above: 9}]\n")
    with pytest.raises(UsageError, match="alert 'round': query rounds has no column 'lost'"):
        nightly.run(database_url=NOWHERE)
    with pytest.raises(UsageError, match="has no column 'lost'"):
        build(nightly.settings())
    nightly.run(steps=("sync", "check", "render"))  # which judge nothing
    assert nightly.rounds() == {0}


def test_the_first_run_can_fail_too(nightly: Nightly) -> None:
    with pytest.raises(SourceError):
        nightly.run(database_url=NOWHERE)
    assert not nightly.warehouse.exists()
    assert not nightly.out.exists()
    assert nightly.last()["exit_code"] == ExitCode.SOURCE


def test_a_source_that_cannot_be_reached(nightly: Nightly) -> None:
    nightly.run()
    before = nightly.digest()
    with pytest.raises(SourceError, match=r"cannot connect to 127\.0\.0\.1:1/none") as failed:
        nightly.run(database_url="postgresql://nobody:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(failed.value) + journal_path(nightly.warehouse).read_text()
    assert nightly.digest() == before
    assert BANNER in nightly.page()
    assert "127.0.0.1" not in nightly.page()


def test_an_output_folder_that_cannot_be_written(nightly: Nightly) -> None:
    # Not even root may write there.
    with pytest.raises(StorageError, match="/proc/out"):
        nightly.run(output_dir=Path("/proc/out"))
    entry = nightly.last()
    assert (entry["exit_code"], entry["failed_step"], entry["published"]) == (2, "render", True)
    assert nightly.rounds() == {0}
    nightly.turn()
    nightly.run()
    assert nightly.rounds() == {1}
    assert BANNER not in nightly.page()


def test_a_source_whose_clock_went_back(nightly: Nightly) -> None:
    nightly.run()
    with duckdb.connect(nightly.warehouse) as db:
        db.execute("update meta.sync_runs set snapshot_at = snapshot_at + interval 1 day")
    before = nightly.digest()
    with pytest.raises(SourceError, match=r"the clock of .* says .* before the last sync at"):
        nightly.run()
    assert nightly.digest() == before
    assert nightly.last()["failed_step"] == "sync"


def test_a_clock_that_jumps_ahead_removes_nothing_that_is_kept(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Ahead":
            return super().now(tz) + timedelta(days=400)

    nightly.run()
    monkeypatch.setattr(pipeline, "datetime", Ahead)
    nightly.run()
    assert len(list_publications(nightly.warehouse)) == 2
    assert len(list((nightly.out / "exports").iterdir())) == 2


def test_whatever_lies_beside_the_warehouse_stops_no_run(nightly: Nightly) -> None:
    nightly.run()
    nightly.turn()
    for name, content in {
        "w.duckdb.runs.jsonl": b'\xff\x00{"run_id": "x"}\n[]\nnull\n{"cut',
        ".w.duckdb.lock": b"garbage",
        ".w.duckdb.holder": b"garbage",
        ".w.duckdb.private": b"garbage",
        ".w.duckdb.publications/20261301T999999Z.duckdb": b"garbage",
        ".w.duckdb.publications/20261101T030000Z.duckdb": b"garbage",
    }.items():
        (nightly.folder / name).write_bytes(content)
    nightly.run()
    assert nightly.rounds() == {1}
    assert nightly.last()["exit_code"] == 0


def test_a_damaged_warehouse_is_told_and_left_as_it_is(nightly: Nightly) -> None:
    nightly.run()
    whole = nightly.warehouse.read_bytes()
    records = nightly.folder / "records"
    records.write_bytes(whole)
    with duckdb.connect(records) as db:
        db.execute("drop table meta.mirror_columns")
    for damaged in (
        b"\0" * 16_384 + whole[16_384:],
        whole[:5000],
        b"hello",
        records.read_bytes(),
    ):
        nightly.warehouse.unlink()  # the kept publication is another name of the same file
        nightly.warehouse.write_bytes(damaged)
        with pytest.raises(
            StorageError, match=r"w\.duckdb is damaged, or not a warehouse"
        ) as failed:
            nightly.run()
        assert "kept publication" in failed.value.remedy
        assert nightly.warehouse.read_bytes() == damaged
        assert nightly.last()["exit_code"] == ExitCode.USAGE
    # The remedy is one.
    nightly.warehouse.unlink()
    nightly.warehouse.write_bytes(list_publications(nightly.warehouse)[-1].path.read_bytes())
    nightly.turn()
    nightly.run()
    assert nightly.rounds() == {1}


def test_a_damaged_block_amid_the_file_is_told(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB notices when it reads the block: here dbt, which reads the whole mirror."""
    nightly.run()
    whole = nightly.warehouse.read_bytes()
    nightly.warehouse.unlink()
    # Every block that only who reads the rows needs; the first three pages are headers.
    for start in range(3 * 4096, len(whole), 262_144):
        damaged = whole[: start + 64] + b"\xa5" * 64 + whole[start + 128 :]
        nightly.warehouse.write_bytes(damaged)
        whole = damaged if is_intact(nightly.warehouse) else whole
    nightly.warehouse.write_bytes(whole)
    assert not is_whole(nightly.warehouse)
    before = nightly.digest()
    monkeypatch.setattr("sselfie_insights.build.build_into", build_into)
    monkeypatch.setattr(check, "check_mirror", lambda *_: [])
    with pytest.raises(StorageError, match="damaged"):
        nightly.run(steps=("check", "build", "publish"))
    assert nightly.digest() == before


def test_a_run_that_died_and_missed_days_are_told(
    nightly: Nightly, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)

    class Now(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return now.astimezone(tz)

    monkeypatch.setattr(pipeline, "datetime", Now)
    lines = [
        {"run_id": "good", "command": "run", "started_at": str(now - timedelta(days=4)),
         "finished_at": (now - timedelta(days=4)).isoformat(), "exit_code": 0, "published": True},
        {"run_id": "dead", "command": "run", "started_at": str(now - timedelta(days=2)),
         "pid": 7, "host": "cron"},
    ]  # fmt: skip
    journal_path(nightly.warehouse).write_text("".join(json.dumps(line) + "\n" for line in lines))
    nightly.run()
    printed = capsys.readouterr().err
    assert "(process 7 on cron) terminated without a final status" in printed
    days = [str((now - timedelta(days=count)).date()) for count in (3, 2, 1)]
    assert f"no run published on {days[0]} to {days[2]} (3 days)" in printed
    assert "was not seen on those days" in printed
    assert nightly.last()["missed_days"] == days
    assert [e["exit_code"] for e in read_journal(nightly.warehouse)] == [0, 130, 0]


def test_an_error_that_nobody_foresaw_is_journaled_without_its_words(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly.run()

    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("hunter2")

    monkeypatch.setattr("sselfie_insights.build.build_into", explode)
    with pytest.raises(ZeroDivisionError):
        nightly.run()
    assert (nightly.last()["exit_code"], nightly.last()["error"]) == (1, "ZeroDivisionError")
    assert BANNER in nightly.page()
    assert "hunter2" not in nightly.page() + journal_path(nightly.warehouse).read_text()


def test_a_failure_to_show_a_failure_does_not_hide_it(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nightly.run()
    monkeypatch.setattr(check, "check_mirror", lambda *_: [_failing("error")])
    with pytest.raises(ChecksFailedError):
        nightly.run(output_dir=Path("/proc/out"))
    assert "the pages do not show that this run failed" in capsys.readouterr().err
    assert issubclass(ChecksFailedError, SselfieError)
