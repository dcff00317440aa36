"""The public queries against the answer key, which comes from the simulation's events."""

import shutil
from itertools import cycle
from pathlib import Path

import polars as pl
import pytest

from sselfie_insights.clock import parse_instant
from sselfie_insights.marts import build
from sselfie_insights.settings import load_settings
from sselfie_insights.simulate import answer_key
from tests.answers import KEYS, VARIANTS, list_differences
from tests.integration.conftest import AS_OF, USERS, Business, mirrored_business
from tests.models import run_models

# A bare date is the end of that day in the reporting zone; this one is the last of a month.
PAST = "2026-06-30"

ZONES = ("UTC", "Europe/Oslo", "America/Los_Angeles")


def test_every_number_equals_the_answer_key(business: Business) -> None:
    assert list_differences(business.answers, business.settings.warehouse) == []


def test_the_answer_key_asks_something_of_every_query(business: Business) -> None:
    asked = {VARIANTS.get(name, (name, {}))[0] for name in business.answers.frames}
    assert asked == set(KEYS)
    empty = [name for name, frame in business.answers.frames.items() if frame.is_empty()]
    assert empty == []


def test_a_wrong_number_would_be_found(business: Business) -> None:
    movements = business.answers["revenue/mrr_movements"]
    wrong = movements.with_columns(pl.col("closing_mrr_cents") + 1)
    answers = type(business.answers)({"revenue/mrr_movements": wrong})
    assert any(
        "closing_mrr_cents" in line
        for line in list_differences(answers, business.settings.warehouse)
    )


def test_every_number_equals_the_answer_key_in_either_shape_and_another_zone(
    zoned_business: Business,
) -> None:
    assert list_differences(zoned_business.answers, zoned_business.settings.warehouse) == []


@pytest.mark.parametrize("zoned_business", ["documented", "live"], indirect=True)
def test_ten_more_businesses_equal_their_answer_keys(
    zoned_business: Business, request: pytest.FixtureRequest, server: str, tmp_path: Path
) -> None:
    shape = request.node.callspec.params["zoned_business"]
    differences = []
    for seed, zone in zip(range(10, 20), cycle(ZONES)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with mirrored_business(
            server, folder, seed=seed, users=120, shape=shape, zone=zone
        ) as another:
            run_models(zoned_business.settings.warehouse, another.settings.warehouse, zone)
            found = list_differences(another.answers, another.settings.warehouse)
            differences += [f"seed {seed}, {zone}: {line}" for line in found]
    assert differences == []


@pytest.mark.parametrize("business", [1], indirect=True)
def test_a_past_instant_equals_the_answer_key(business: Business, tmp_path: Path) -> None:
    zone = "America/Los_Angeles"
    warehouse = tmp_path / "warehouse.duckdb"
    shutil.copy(business.settings.warehouse, warehouse)
    build(load_settings(warehouse=warehouse, timezone=zone, as_of=PAST))
    answers = answer_key(
        users=USERS, seed=business.seed, as_of=AS_OF, timezone=zone, at=parse_instant(PAST, zone)
    )
    assert list_differences(answers, warehouse) == []
