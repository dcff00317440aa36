"""Servers, sources and warehouses for the tests of the mirror."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from sselfie_insights.settings import Settings
from sselfie_insights.sync import SyncReport, sync
from sselfie_insights.warehouse.storage import OFFLINE
from tests.integration.sync.servers import Server, new_database, run_server

BOTH_SERVERS = pytest.mark.parametrize(
    "any_server", [18, 15], indirect=True, ids=lambda version: f"pg{version}"
)
"""Where the servers differ, the oldest is no slow test."""


@pytest.fixture(scope="session")
def newest_server() -> Iterator[Server]:
    with run_server(18) as server:
        assert server is not None
        yield server


@pytest.fixture(scope="session")
def oldest_server() -> Iterator[Server]:
    with run_server(15) as server:
        if server is None:
            pytest.skip("PostgreSQL 15 is not installed on this machine")
        yield server


@pytest.fixture(scope="session")
def middle_server() -> Iterator[Server]:
    with run_server(16) as server:
        assert server is not None
        yield server


@pytest.fixture(
    params=[18, *(pytest.param(version, marks=pytest.mark.slow) for version in (16, 15))],
    ids=lambda version: f"pg{version}",
)
def any_server(request: pytest.FixtureRequest) -> Server:
    """Each server that packages have in turn; the older ones are slow."""
    name = {18: "newest_server", 16: "middle_server", 15: "oldest_server"}[request.param]
    server: Server = request.getfixturevalue(name)
    return server


class Bench:
    """A source database, a warehouse beside it, and short words for what tests do with them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.warehouse = folder / "w.duckdb"

    def settings(self, **values: Any) -> Settings:
        values = {"database_url": self.url, "warehouse": self.warehouse} | values
        return Settings.model_validate(values)

    def sync(self, *, settings: dict[str, Any] | None = None, **options: Any) -> SyncReport:
        return sync(self.settings(**settings or {}), **options)

    def pg(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def ask_pg(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        # All connections of a process to a file have the same settings.
        with duckdb.connect(self.warehouse, read_only=True, config=OFFLINE) as db:
            return db.execute(query).fetchall()

    def modes(self, report: SyncReport) -> dict[str, str]:
        return {table.name: table.mode for table in report.tables}


@pytest.fixture
def bench(any_server: Server, tmp_path: Path) -> Iterator[Bench]:
    """A fresh source on each supported server."""
    with new_database(any_server, f"t_{secrets.token_hex(6)}") as url:
        yield Bench(url, tmp_path)


@pytest.fixture
def newest(newest_server: Server, tmp_path: Path) -> Iterator[Bench]:
    """A fresh source on the newest server."""
    with new_database(newest_server, f"t_{secrets.token_hex(6)}") as url:
        yield Bench(url, tmp_path)


def run_command(bench: Bench, *words: str, url: str | None = None) -> tuple[int, str, str]:
    """Run a command on the bench; return its exit code and what it said on both streams."""
    environment = os.environ | {
        "SSELFIE_DATABASE_URL": bench.url if url is None else url,
        "SSELFIE_WAREHOUSE": str(bench.warehouse),
    }
    done = subprocess.run(
        [sys.executable, "-m", "sselfie_insights", *words],
        capture_output=True,
        text=True,
        env=environment,
        cwd=bench.warehouse.parent,
    )
    return done.returncode, done.stdout, done.stderr
