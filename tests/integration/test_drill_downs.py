"""Behind every public number stands a query of its customers or rows, which add up to it."""

from dataclasses import replace

import pytest

from sselfie_insights.query import OpenWarehouse
from tests.integration.conftest import Business
from tests.support.drill_downs import NOTHING, SUMS, list_unsummed

NOT_CAPTURED = {"live": {"email/email_by_type", "engagement/training_by_month"}}
"""What a live application never writes."""


@pytest.mark.parametrize("name", SUMS)
def test_the_parts_sum_to_the_whole(
    zoned_business: Business, request: pytest.FixtureRequest, name: str
) -> None:
    shape = request.node.callspec.params["zoned_business"]
    with OpenWarehouse(zoned_business.settings.warehouse) as opened:
        found = list_unsummed(opened, name)
    is_empty = name in NOT_CAPTURED.get(shape, ())
    assert found == ([f"{name}: {NOTHING}"] if is_empty else [])


@pytest.mark.parametrize("zoned_business", ["documented"], indirect=True)
@pytest.mark.parametrize(
    ("name", "part", "given"),
    [
        ("revenue/revenue_totals", "revenue/payments", {"until": "2026-10-01"}),
        ("churn/churn_by_month", "churn/memberships", {"until": "2026-11-01"}),
        ("engagement/generation_success", "engagement/generations", {"kind": "image"}),
    ],
)
def test_parts_that_are_missing_would_be_found(
    zoned_business: Business,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    part: str,
    given: dict[str, str],
) -> None:
    monkeypatch.setitem(SUMS, name, [replace(sums, parts={part: given}) for sums in SUMS[name]])
    with OpenWarehouse(zoned_business.settings.warehouse) as opened:
        assert list_unsummed(opened, name) != []
