import json
from pathlib import Path

import pytest

from sselfie_insights.cli.status import status
from sselfie_insights.errors import SourceError, StorageError, UsageError
from sselfie_insights.warehouse.journal import (
    close_dead_runs,
    journaled,
    read_journal,
    read_unended,
    write_entry,
)
from sselfie_insights.warehouse.paths import journal_path


def test_every_run_leaves_a_line_however_it_ends(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    with journaled(warehouse, "sync", "one") as entry:
        entry["rows"] = 3
    with pytest.raises(SourceError), journaled(warehouse, "sync", "two"):
        raise SourceError("gone", remedy="try again")
    with pytest.raises(KeyboardInterrupt), journaled(warehouse, "sync", "three"):
        raise KeyboardInterrupt
    with pytest.raises(ValueError), journaled(warehouse, "sync", "four"):
        raise ValueError("postgresql://reader:hunter2@host/db")
    entries = read_journal(warehouse)
    assert [(e["run_id"], e["exit_code"], e.get("error"), e.get("rows")) for e in entries] == [
        ("one", 0, None, 3),
        ("two", 3, "gone: try again", None),
        ("three", 130, "KeyboardInterrupt", None),
        ("four", 1, "ValueError", None),
    ]
    assert all(e["started_at"] <= e["finished_at"] for e in entries)
    assert journal_path(warehouse).stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in journal_path(warehouse).read_text()


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    assert read_journal(warehouse) == []
    with journaled(warehouse, "sync", "one"):
        pass
    with journal_path(warehouse).open("a") as journal:
        journal.write('{"run_id": "tw')
    assert [entry["run_id"] for entry in read_journal(warehouse)] == ["one"]


def test_a_journal_that_cannot_be_written_does_not_hide_the_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError), journaled(tmp_path / "no" / "w.duckdb", "sync", "one"):
        raise SourceError("gone")


def test_a_run_counts_by_its_last_line(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    with journaled(warehouse, "run", "one") as entry:
        assert read_journal(warehouse) == []
        assert [e["run_id"] for e in read_unended(warehouse)] == ["one"]
        entry["published"] = True
        write_entry(warehouse, entry)
        assert [e["published"] for e in read_journal(warehouse)] == [True]
        entry["steps"] = ["render"]
    assert [e["steps"] for e in read_journal(warehouse)] == [["render"]]
    assert read_unended(warehouse) == []


def test_a_run_that_died_is_closed_by_the_next(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    began = {"run_id": "dead", "command": "run", "started_at": "2026-11-20T03:00:00+00:00"}
    journal_path(warehouse).write_text(json.dumps(began | {"pid": 7, "host": "cron"}) + '\n{"cut')
    with journaled(warehouse, "run", "next"):
        assert [e["pid"] for e in close_dead_runs(warehouse, "next")] == [7]
        assert close_dead_runs(warehouse, "next") == []
    assert [(e["run_id"], e["exit_code"]) for e in read_journal(warehouse)] == [
        ("dead", 130),
        ("next", 0),
    ]
    assert "killed" in read_journal(warehouse)[0]["error"]


def test_success_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    journal_path(tmp_path / "w.duckdb").mkdir()
    with (
        pytest.raises(StorageError, match=r"journal .* cannot be written"),
        journaled(tmp_path / "w.duckdb", "sync", "one"),
    ):
        pass


def test_lines_that_are_no_entries_are_left_out(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    whole = {
        "run_id": "one", "command": "run", "started_at": "2026-11-01T03:00:00+00:00",
        "finished_at": "2026-11-01T03:01:00+00:00", "exit_code": 0, "missed_days": [],
    }  # fmt: skip
    broken = [
        {name: value for name, value in whole.items() if name != "finished_at"},
        *(
            whole | {"run_id": "two", name: value}
            for name, value in {
                "run_id": ["two"], "command": None, "started_at": "yesterday",
                "finished_at": "2026-11-01T03:01:00", "exit_code": "0", "missed_days": 3,
            }.items()
        ),
    ]  # fmt: skip
    lines = [json.dumps(each) for each in [whole | {"error": "a\u2028b"}, *broken]]
    lines += ["[" * 100_000, "null", "7", "[]", '{"run_id": 1}']
    text = "\n".join(lines).replace("\\u2028", "\u2028")  # as the journal writes it
    journal_path(warehouse).write_bytes(text.encode() + b"\n\xff\xfe\n")
    assert [entry["error"] for entry in read_journal(warehouse)] == ["a\u2028b"]
    assert read_unended(warehouse) == []


def test_a_journal_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    journal_path(warehouse).mkdir()
    with pytest.raises(StorageError, match=r"w\.duckdb\.runs\.jsonl cannot be read"):
        read_journal(warehouse)


def test_the_status_tells_of_runs_where_there_is_no_warehouse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = tmp_path / "w.duckdb"
    with pytest.raises(SourceError), journaled(warehouse, "run", "one"):
        raise SourceError("gone", remedy="try again")
    with pytest.raises(UsageError, match="no warehouse"):
        status(warehouse=warehouse)
    said = capsys.readouterr()
    assert "note: failing: the run: gone: try again" in said.err
    assert said.out == ""
