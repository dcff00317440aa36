"""A synthetic business taken all the way to its marts, with its answer key."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sselfie_insights.marts import build
from sselfie_insights.migrate import apply
from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.simulate import Answers, simulate
from sselfie_insights.sync import sync
from tests.conftest import temporary_database

AS_OF = datetime(2026, 11, 15, 12, tzinfo=UTC)
USERS = 400
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Business:
    """A simulated database, the settings that lead to it and its warehouse, and its answer key."""

    seed: int
    settings: Settings
    answers: Answers


@pytest.fixture(scope="session", params=SEEDS, ids=lambda seed: f"seed{seed}")
def business(
    request: pytest.FixtureRequest, server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Business]:
    """A business of each seed: migrated, simulated, synced and built."""
    folder: Path = tmp_path_factory.mktemp("business")
    with temporary_database(server) as url:
        settings = load_settings(
            database_url=url, warehouse=folder / "warehouse.duckdb", as_of=AS_OF.isoformat()
        )
        apply(url)
        answers = simulate(url, users=USERS, seed=request.param, as_of=AS_OF)
        sync(settings)
        build(settings)
        yield Business(request.param, settings, answers)
