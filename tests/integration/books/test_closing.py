"""A month is closed while the process dies at each step: the published file is whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from sselfie_insights import __version__
from sselfie_insights.warehouse import closed
from sselfie_insights.warehouse.format import write_format_version
from tests.support.business import write_business

# `sselfie close` over marts that were not made by dbt; it dies where it calls what DEATH names.
PROGRAM = """
import os, sys
from importlib import import_module
import sselfie_insights.build
from sselfie_insights.cli import main
from tests.integration.run.small import die

sselfie_insights.build.build_liability = lambda *_: None
if place := os.environ.get("DEATH"):
    where, _, name = place.rpartition(".")
    assert callable(getattr(import_module(where), name))
    setattr(import_module(where), name, die)
main()
"""
STEPS = {
    "sselfie_insights.books.closing.read_month": False,
    "sselfie_insights.books.closing._build_liability": False,
    "sselfie_insights.warehouse.closed.write_closing": False,
    "sselfie_insights.warehouse.closed.keep_rows": False,
    "sselfie_insights.books.closing.publish": False,
    "sselfie_insights.books.closing.retain": True,
    "sselfie_insights.books.closing.render_again": True,
}
"""By the step at which the process dies: whether the month is closed then."""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = write_business(tmp_path / "w.duckdb")
    with duckdb.connect(path) as db:
        db.execute(f"update marts.build_info set version = '{__version__}'")
        db.execute("create schema if not exists meta")
        write_format_version(db)
    return path


def close(warehouse: Path, death: str = "") -> int:
    environment = os.environ | {"SSELFIE_WAREHOUSE": str(warehouse), "DEATH": death}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, "close", "2026-10"],
        cwd=warehouse.parent,
        env=environment,
        check=False,
    ).returncode


QUICK = ("warehouse.closed.write_closing", "books.closing.publish", "books.closing.retain")
"""Within the figures, before they are published, and after: the other steps are slow."""


@pytest.mark.parametrize(
    "step",
    [pytest.param(step, marks=[] if step.endswith(QUICK) else pytest.mark.slow) for step in STEPS],
)
def test_killed_at_any_step_the_month_is_closed_or_not(warehouse: Path, step: str) -> None:
    before = warehouse.read_bytes()
    assert close(warehouse, step) == -signal.SIGKILL
    if STEPS[step]:
        with duckdb.connect(warehouse, read_only=True) as db:
            (closing,) = closed.read_closings(db)
            assert closed.is_intact(db, closing)
    else:
        assert warehouse.read_bytes() == before
        assert close(warehouse) == 0
    assert not (warehouse.parent / f".{warehouse.name}.private").exists() or STEPS[step]
