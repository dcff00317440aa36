"""Behind every public number stands a query of its customers or rows, which add up to it."""

from dataclasses import replace

import pytest

from sselfie_insights.query import load_library, open_warehouse, read_stamp
from tests.integration.conftest import Business
from tests.support.drill_downs import NOTHING, SUMS, list_unsummed

LIBRARY = load_library()

ROW_KEYS = {
    *("customer_key", "user_id", "movement_key", "credit_transaction_id", "row_key", "row_id"),
    *("feed_layout_id", "maya_chat_id", "enrollment_id", "email_send_id"),
}
"""A query with one of these in its key lists people or stored rows itself."""

WITHOUT_ROWS = {
    "forecast/": "estimates of a model, which no rows add up to; what sums them up has its rows",
    "growth/alerts_now": "a row is another query's number, which has its own",
    "growth/segment_effect": "the people are in the record of exports, not in the warehouse",
    "quality/check_results": "a row is a check",
    "quality/contract_drift": "a row is a difference",
    "quality/source_tables": "the rows are the mirrored table's own",
    "quality/unconverted_values": "the rows are the mirrored table's own",
}


def test_every_number_has_its_rows_or_is_a_row() -> None:
    without = [
        name
        for name, query in LIBRARY.items()
        if not query.drill_downs and not ROW_KEYS & set(query.key)
    ]
    assert [name for name in without if not name.startswith(tuple(WITHOUT_ROWS))] == []
    assert {name for name, query in LIBRARY.items() if query.drill_downs} == set(SUMS)
    listing = {each for query in LIBRARY.values() for each in query.drill_downs}
    assert [name for name in listing if not ROW_KEYS & set(LIBRARY[name].key)] == []


NOT_CAPTURED = {"live": {"email/email_by_type", "engagement/training_by_month"}}
"""What a live application never writes."""


@pytest.mark.parametrize("name", SUMS)
def test_the_parts_sum_to_the_whole(
    zoned_business: Business, request: pytest.FixtureRequest, name: str
) -> None:
    shape = request.node.callspec.params["zoned_business"]
    with open_warehouse(zoned_business.settings.warehouse) as connection:
        found = list_unsummed(connection, read_stamp(connection), name)
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
    with open_warehouse(zoned_business.settings.warehouse) as connection:
        assert list_unsummed(connection, read_stamp(connection), name) != []
