"""Fixtures: the models, compiled once for each engine, over an empty source."""

from collections.abc import Iterator

import pytest

from tests.conftest import temporary_database
from tests.support.billing.answers import accounts
from tests.support.billing.models import Models, duckdb_models, postgres_models


@pytest.fixture(scope="session")
def in_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    with duckdb_models(tmp_path_factory.mktemp("duckdb"), accounts()) as models:
        yield models


@pytest.fixture(scope="session")
def in_postgres(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    with (
        temporary_database(server) as url,
        postgres_models(url, tmp_path_factory.mktemp("postgres"), accounts()) as models,
    ):
        yield models
