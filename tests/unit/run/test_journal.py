from pathlib import Path

import pytest

from sselfie_insights.errors import SourceError
from sselfie_insights.run.journal import journal_path, journaled, read_journal


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
