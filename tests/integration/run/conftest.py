"""A small source, the folders that make ``sselfie`` small, and short words for its runs."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sselfie_insights.run import pipeline
from sselfie_insights.run.logs import open_log
from sselfie_insights.run.pipeline import RunReport
from sselfie_insights.run.steps import STEPS
from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.warehouse.journal import Entry, read_journal
from tests.integration.run import small

ROWS = 3_000


class Nightly:
    """A source, a warehouse, and runs of one on the other."""

    PROGRAM = "tests.integration.run.small"

    def __init__(self, url: str, folder: Path, folders: Path) -> None:
        self.url = url
        self.folder = folder
        self.folders = folders
        self.warehouse = folder / "w.duckdb"
        self.out = folder / "out"
        self.round = 0

    def settings(self, **values: Any) -> Settings:
        given = {
            "database_url": self.url, "warehouse": self.warehouse, "output_dir": self.out,
        }  # fmt: skip
        return load_settings(**given | values)

    def run(
        self,
        *,
        steps: tuple[str, ...] = tuple(STEPS),
        timeout: timedelta | None = None,
        **settings: Any,
    ) -> RunReport:
        log = open_log("text")
        return pipeline.run(self.settings(**settings), log, steps=steps, timeout=timeout)

    def turn(self) -> int:
        """Let the next round begin in the source."""
        self.round += 1
        small.turn(self.url, self.round)
        return self.round

    def rounds(self) -> set[int]:
        return small.rounds_in(self.warehouse)

    def digest(self) -> str:
        return hashlib.sha256(self.warehouse.read_bytes()).hexdigest()

    def last(self) -> Entry:
        return read_journal(self.warehouse)[-1]

    def page(self) -> str:
        return (self.out / "site" / "index.html").read_text()

    def left_over(self) -> set[str]:
        """What lies beside the warehouse that no run leaves there once it has ended."""
        return {path.name for path in self.folder.iterdir()} & {
            ".w.duckdb.private", ".w.duckdb.holder",
        }  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Return what a process of its own has to know."""
        return {
            "SMALL_FOLDER": str(self.folders),
            "SSELFIE_DATABASE_URL": self.url,
            "SSELFIE_WAREHOUSE": str(self.warehouse),
            "SSELFIE_OUTPUT_DIR": str(self.out),
        }

    def command(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``sselfie`` with ``arguments``, in a process, and a group of them, of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", self.PROGRAM, *arguments],
            env=os.environ | self.environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def last_step(printed: str) -> str:
    """Return the step that the last line of a log of JSON that names one is about."""
    found = [json.loads(line).get("step") for line in printed.splitlines() if line.endswith("}")]
    return next((step for step in reversed(found) if step), "start")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project, query and report."""
    return small.write_folders(tmp_path_factory.mktemp("small"))


def make_small(patch: pytest.MonkeyPatch, folders: Path) -> None:
    """Let runs in this process build the small project, without dbt."""
    for module, name, value in small.replacements(folders):
        patch.setattr(module, name, value)
    patch.setattr("sselfie_insights.build.build_into", small.build_quickly)


@pytest.fixture
def nightly(
    database: str, tmp_path: Path, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Nightly]:
    """A source at round 0; runs in this process build without dbt."""
    small.fill(database, ROWS)
    make_small(monkeypatch, folders)
    monkeypatch.chdir(tmp_path)
    return Nightly(database, tmp_path, folders)
