"""The version of the definitions: each change is the changelog's, and old files have one too."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights import __version__
from sselfie_insights.cli import app
from sselfie_insights.definitions import CHANGES, DEFINITIONS, definitions_of, describe_changes
from sselfie_insights.warehouse.reading import OpenWarehouse
from tests.support.warehouses import write_build_info

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def test_every_version_says_what_it_changed_in_the_words_of_the_changelog() -> None:
    changelog = " ".join(CHANGELOG.read_text(encoding="utf-8").split())
    assert sorted(CHANGES) == list(range(2, DEFINITIONS + 1))
    for entries in CHANGES.values():
        assert entries
        for entry in entries:
            assert entry in changelog


@pytest.mark.parametrize(
    ("stamped", "version", "expected"),
    [(7, "0.1.0", 7), (None, "0.1.0", 1), (None, "0.2.0", 2), (None, None, 1)],
)
def test_marts_without_a_stamp_follow_the_definitions_of_their_time(
    stamped: int | None, version: str | None, expected: int
) -> None:
    assert definitions_of(stamped, version) == expected


def test_a_file_of_an_earlier_version_has_no_column_and_opens(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(path) as db:
        db.execute("create schema marts")
        write_build_info(db, datetime(2026, 11, 1, tzinfo=UTC))
        db.execute("alter table marts.build_info drop column definitions")
    with OpenWarehouse(path) as warehouse:
        assert warehouse.stamp.definitions == 1


def test_what_changed_is_the_same_in_either_order() -> None:
    assert describe_changes(1, 2) == describe_changes(2, 1) == " ".join(CHANGES[2])
    assert "newer version" in describe_changes(DEFINITIONS, DEFINITIONS + 1)


def test_the_command_prints_both_versions() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == (
        f"{__version__}, definitions {DEFINITIONS}\n"
    )
