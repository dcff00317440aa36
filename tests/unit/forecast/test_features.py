"""Which reasons a member's risk is given: in code, and in words."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from sselfie_insights.forecast.features import FEATURES, find_reasons, take_features
from sselfie_insights.statistics.hazard import HazardModel

AVERAGE = {
    "tenure_months": 3, "idle_days": 4, "active_days": 5, "active_days_before": 5,
    "runway_days": 40, "failed_payments": 0, "is_cancelling": False, "is_paid_ahead": False,
    "paid_until_on": date(2026, 6, 30),
}  # fmt: skip


def rows(**changes: object) -> pl.DataFrame:
    return pl.DataFrame([AVERAGE | changes])


def model(scale: float = 1.0, **coefficients: float) -> HazardModel:
    """A model that knows nothing but these effects, to a hundredth, against the average member."""
    effects = [coefficients.get(name, 0.0) for name in FEATURES]
    return HazardModel(
        means=take_features(rows())[0],
        scales=np.full(len(FEATURES), scale),
        coefficients=np.array([-2.0, *effects]),
        covariance=np.diag([1e-4] * (len(FEATURES) + 1)),
        count=1000,
        lost_count=100,
        varies=np.ones(len(FEATURES), bool),
    )


@pytest.mark.parametrize(
    ("effect", "changes", "code", "words"),
    [
        ({"tenure": -1}, {"tenure_months": 0}, "length_of_the_membership", "has not renewed yet"),
        ({"tenure": -1}, {"tenure_months": 1}, "length_of_the_membership", "renewed only once"),
        ({"tenure": -1}, {"tenure_months": 2}, "length_of_the_membership", "renewed 2 times"),
        ({"recency": 1}, {"idle_days": 31}, "no_recent_activity", "no activity for 31 days"),
        (
            {"recency": 1},
            {"idle_days": 90},
            "no_recent_activity",
            "no activity for 90 days or more",
        ),
        ({"inactive": 1}, {"idle_days": 30}, "no_recent_activity", "no activity for 30 days"),
        (
            {"usage_trend": -1},
            {"active_days": 1},
            "active_on_fewer_days",
            "active on 1 of the last 30 days, 5 of the 30 before",
        ),
        (
            {"credit_runway": 1},
            {"runway_days": 365},
            "hardly_uses_the_credits",
            "hardly uses the credits",
        ),
        ({"credit_runway": -1}, {"runway_days": 0.9}, "credits_run_out", "no credits left"),
        (
            {"credit_runway": -1},
            {"runway_days": 2.9},
            "credits_run_out",
            "credits last 2 more days",
        ),
        (
            {"failed_payments": 1},
            {"failed_payments": 2},
            "failed_payments",
            "2 failed payments in the last 31 days",
        ),
    ],
)
def test_each_feature_has_its_code_and_words(
    effect: dict[str, float], changes: dict[str, float], code: str, words: str
) -> None:
    assert find_reasons(rows(**changes), model(**effect)) == [[(code, words)]]


@pytest.mark.parametrize(("coefficient", "is_reason"), [(0.099, False), (0.101, True)])
def test_a_reason_adds_a_tenth_to_the_log_odds(coefficient: float, is_reason: bool) -> None:
    # One failed payment more than the average member's none: it adds the coefficient.
    reasons = find_reasons(rows(failed_payments=1), model(failed_payments=coefficient))
    assert bool(reasons[0]) == is_reason


def test_the_weightiest_three_come_first() -> None:
    effects = {"tenure": -0.2, "credit_runway": -1.0, "failed_payments": 0.3, "usage_trend": -0.9}
    changes = {"tenure_months": 0, "runway_days": 0, "failed_payments": 1, "active_days": 0}
    # They add 0.28, 3.71, 0.3 and 1.61 to the log odds.
    assert find_reasons(rows(**changes), model(**effects)) == [
        [
            ("credits_run_out", "no credits left"),
            ("active_on_fewer_days", "active on 0 of the last 30 days, 5 of the 30 before"),
            ("failed_payments", "1 failed payments in the last 31 days"),
        ]
    ]


def test_silence_is_one_reason_though_two_features_see_it() -> None:
    reasons = find_reasons(rows(idle_days=45), model(recency=1, inactive=1))
    assert reasons == [[("no_recent_activity", "no activity for 45 days")]]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, [("failed_payments", "1 failed payments in the last 31 days")]),
        (
            {"is_cancelling": True},
            [
                ("set_to_end", "set to end on 2026-06-30"),
                ("failed_payments", "1 failed payments in the last 31 days"),
            ],
        ),
        (
            {"is_cancelling": True, "is_paid_ahead": True},
            [
                ("set_to_end", "set to end on 2026-06-30"),
                ("nothing_due", "nothing due: paid until 2026-06-30"),
            ],
        ),
        ({"is_paid_ahead": True}, [("nothing_due", "nothing due: paid until 2026-06-30")]),
    ],
)
def test_what_the_membership_says_comes_before_what_the_model_says(
    changes: dict[str, object], reasons: list[tuple[str, str]]
) -> None:
    now = rows(failed_payments=1, **changes)
    assert find_reasons(now, model(failed_payments=1)) == [reasons]
    unlearned = [reason for reason in reasons if reason[0] in ("set_to_end", "nothing_due")]
    assert find_reasons(now, None) == [unlearned]


def test_what_is_not_known_or_not_clear_is_no_reason() -> None:
    assert find_reasons(rows(idle_days=None), model(recency=1)) == [[]]
    unclear = HazardModel(
        **{**vars(model(failed_payments=1)), "covariance": np.eye(len(FEATURES) + 1)}
    )
    assert find_reasons(rows(failed_payments=1), unclear) == [[]]
