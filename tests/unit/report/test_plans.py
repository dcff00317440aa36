"""The owner's targets in words, worked out by hand, and events where they belong."""

from datetime import date
from typing import Any

import pytest

from sselfie_insights.report.plans import Event, Plans, Target, describe_targets, place_events

TODAY = date(2026, 11, 15)
DECEMBER = date(2026, 12, 31)


def describe(
    value: float, target: float, *, unit: Any = "cents", good: str = "up", by: date = DECEMBER,
    band: tuple[int, int] | tuple[None, None] = (None, None),
) -> str:  # fmt: skip
    plans = Plans((), (Target("q", "value", None, target, by, *band),), TODAY)
    return describe_targets(plans, "q", "value", {"value": value, "currency": "usd"}, unit, good)


@pytest.mark.parametrize(
    ("words", "given"),
    [
        # 15,000.00 of 20,000.00 are 75 %.
        ("75% of it, $5,000.00 to go.", {"value": 1_500_000, "target": 2_000_000}),
        ("met.", {"value": 2_000_000, "target": 2_000_000}),
    ],
)
def test_how_far_it_is_to_a_target_of_money(words: str, given: Any) -> None:
    assert describe(**given) == f"Target $20,000.00 by 31 Dec 2026: {words}"


@pytest.mark.parametrize(
    ("band", "words"),
    [
        ((1_600_000, 1_900_000), " All of the projection ($16,000.00 to $19,000.00, 95 %) is"
         " below it."),
        ((2_000_000, 2_500_000), " All of the projection ($20,000.00 to $25,000.00, 95 %) is"
         " above it."),
        ((1_900_000, 2_000_000), " It is open: it lies inside of the projection ($19,000.00 to"
         " $20,000.00, 95 %)."),
    ],
)  # fmt: skip
def test_whether_the_trend_gets_there(band: tuple[int, int], words: str) -> None:
    assert describe(1_500_000, 2_000_000, band=band).endswith(f"to go.{words}")


def test_a_rate_has_points_and_may_be_better_below() -> None:
    rate = {"unit": "rate", "good": "down"}
    assert describe(0.075, 0.05, **rate) == "Target 5.0% by 31 Dec 2026: 2.5 points to go."
    assert describe(0.05, 0.05, **rate) == "Target 5.0% by 31 Dec 2026: met."
    assert describe(0.05, 0.075, unit="rate").endswith("2.5 points to go.")


def test_a_day_that_is_past_says_whether_it_was_met() -> None:
    past = date(2026, 10, 31)
    assert describe(90, 100, unit="count", by=past) == "Target 100 by 31 Oct 2026: missed by 10."
    assert describe(110, 100, unit="count", by=past) == "Target 100 by 31 Oct 2026: met."


def test_the_next_target_of_the_same_number_and_currency_counts() -> None:
    targets = tuple(
        Target(query, measure, currency, value, by, None, None)
        for query, measure, currency, value, by in [
            ("q", "value", "usd", 100, date(2026, 1, 31)),
            ("q", "value", "eur", 500, DECEMBER),
            ("q", "other", None, 600, DECEMBER),
            ("q", "value", "usd", 200, DECEMBER),
            ("q", "value", "usd", 300, date(2027, 12, 31)),
        ]
    )
    row = {"value": 50, "currency": "usd"}
    words = describe_targets(Plans((), targets, TODAY), "q", "value", row, "count", "up")
    assert words == "Target 200 by 31 Dec 2026: 25% of it, 150 to go."
    assert describe_targets(Plans(), "q", "value", row, "count", "up") == ""
    hidden = describe_targets(
        Plans((), targets, TODAY), "q", "value", {"value": None}, "count", "up"
    )
    assert hidden == ""


def test_an_event_stands_at_the_period_in_which_it_happened() -> None:
    months = [date(2026, month, 1) for month in (9, 10, 11)]
    days = (date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 30), date(2026, 11, 15))
    events = [Event(day, "campaign", f"C{number}") for number, day in enumerate(days)]
    assert place_events(events, months) == (
        (0, "1 Sep 2026, campaign: C1"),
        (0, "30 Sep 2026, campaign: C2"),
        (2, "15 Nov 2026, campaign: C3"),
    )
