"""Which files of the user's stand in for packaged ones."""

import re
from pathlib import Path

import pytest

from sselfie_insights.resources import find_files, find_replaced, resource_dir


def test_only_a_file_with_the_name_of_a_packaged_one_replaces_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_replaced("reports", "*.yml") == []
    for path in ("reports/churn.yml", "reports/mine.yml", "queries/churn/churn_by_month.sql"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    assert find_replaced("reports", "*.yml") == [Path("reports/churn.yml")]
    assert find_replaced("queries", "**/*.sql") == [Path("queries/churn/churn_by_month.sql")]


def test_in_a_checkout_the_packaged_files_replace_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(resource_dir("reports").parent)
    assert find_replaced("reports", "*.yml") == []


def test_no_example_of_the_documents_replaces_a_packaged_file() -> None:
    checkout = resource_dir("reports").parent
    texts = [path.read_text() for path in (checkout / "docs").glob("*.md")]
    named = {
        match for text in texts for match in re.findall(r"`((?:reports|queries)/[^`]+)`", text)
    }
    packaged = {f"reports/{name}.yml" for name in find_files("reports", "*.yml")}
    packaged |= {f"queries/{name}.sql" for name in find_files("queries", "**/*.sql")}
    assert {"reports/signups.yml", "queries/growth/signups.sql"} <= named
    assert not named & packaged
