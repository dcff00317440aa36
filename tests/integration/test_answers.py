"""The public queries against the answer key, which comes from the simulation's events."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from sselfie_insights.clock import parse_instant
from sselfie_insights.marts import build
from sselfie_insights.settings import load_settings
from sselfie_insights.simulate import answer_key
from tests.answers import KEYS, VARIANTS, list_differences
from tests.integration.conftest import USERS, Business
from tests.models import AS_OF

# A bare date is the end of that day in the reporting zone; this one is the last of a month.
PAST = "2026-06-30"


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
