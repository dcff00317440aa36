"""A synthetic business taken all the way to its marts, with its answer key."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from sselfie_insights.build import build
from sselfie_insights.migrate import apply
from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.simulate import Answers, simulate
from sselfie_insights.sync import sync
from sselfie_insights.warehouse.paths import artifacts_dir
from tests.conftest import temporary_database
from tests.support.billing.engines import in_duckdb, in_postgres
from tests.support.docs import NEWCOMER, run_line
from tests.support.models import AS_OF, ZONE, failed_tests, run_in_duckdb

__all__ = ["in_duckdb", "in_postgres"]

USERS = 400
SEEDS = (1, 2)


@dataclass(frozen=True)
class Business:
    """A simulated database, the settings that lead to it and its warehouse, and its answer key."""

    seed: int
    settings: Settings
    answers: Answers


@contextmanager
def mirrored_business(
    server: str, folder: Path, *, seed: int, users: int, shape: str, zone: str
) -> Iterator[Business]:
    """Migrate, simulate and sync a business; nothing is built yet."""
    with temporary_database(server) as url:
        settings = load_settings(
            database_url=url,
            warehouse=folder / "warehouse.duckdb",
            as_of=AS_OF.isoformat(),
            timezone=zone,
        )
        apply(url)
        answers = simulate(url, users=users, seed=seed, as_of=AS_OF, shape=shape, timezone=zone)
        sync(settings)
        yield Business(seed, settings, answers)


class Walk(NamedTuple):
    """A business that a newcomer took all the way, and what each of the commands printed."""

    business: Business
    said: list[str]


@pytest.fixture(scope="session")
def walk(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A newcomer's walk: an application's database, then the README's commands and nothing else.

    Only the present is set, that of the simulated business, and a zone that is not UTC.
    """
    folder = tmp_path_factory.mktemp("newcomer")
    with temporary_database(server) as url:
        apply(url)
        answers = simulate(url, users=USERS, seed=SEEDS[0], as_of=AS_OF, timezone=ZONE)
        environment = {
            "SSELFIE_DATABASE_URL": url,
            "SSELFIE_AS_OF": AS_OF.isoformat(),
            "SSELFIE_TIMEZONE": ZONE,
        }
        said = [
            run_line(line, folder, **environment)
            for line in NEWCOMER
            if line.startswith("sselfie ")
        ]
        settings = load_settings(
            database_url=url,
            warehouse=folder / "warehouse.duckdb",
            output_dir=folder / "out",
            as_of=AS_OF.isoformat(),
            timezone=ZONE,
        )
        yield Walk(Business(SEEDS[0], settings, answers), said)


@pytest.fixture(scope="session")
def built_business(walk: Walk) -> Business:
    """A business in the documented schema: migrated, simulated, synced, and built by dbt."""
    return walk.business


@pytest.fixture(scope="session", params=SEEDS, ids=lambda seed: f"seed{seed}")
def business(
    request: pytest.FixtureRequest,
    built_business: Business,
    server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Business]:
    """A business of each seed: the one that dbt built in ``ZONE``, and others in UTC.

    The SQL that dbt compiled for the first makes the others.
    """
    if request.param == built_business.seed:
        yield built_business
        return
    with mirrored_business(
        server,
        tmp_path_factory.mktemp("business"),
        seed=request.param,
        users=USERS,
        shape="documented",
        zone="UTC",
    ) as business:
        built, warehouse = built_business.settings.warehouse, business.settings.warehouse
        run_in_duckdb(built, warehouse, "UTC")
        assert failed_tests(built, warehouse, "UTC") == []
        yield business


@pytest.fixture(scope="session")
def live_business(
    built_business: Business, server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Business]:
    """A business in the shape of a live database, built by dbt; it reports in ``ZONE``.

    dbt begins with the project as it parsed it for the other business.
    """
    with mirrored_business(
        server,
        tmp_path_factory.mktemp("live"),
        seed=4,
        users=USERS,
        shape="live",
        zone=ZONE,
    ) as business:
        parsed, ours = (
            artifacts_dir(each.settings.warehouse) / "duckdb" / "partial_parse.msgpack"
            for each in (built_business, business)
        )
        ours.parent.mkdir(parents=True)
        shutil.copy(parsed, ours)
        build(business.settings)
        yield business


@pytest.fixture(scope="session", params=["documented", "live"])
def zoned_business(request: pytest.FixtureRequest) -> Business:
    """A business that reports in ``ZONE``, in either shape of the database."""
    name = "built_business" if request.param == "documented" else "live_business"
    return request.getfixturevalue(name)
