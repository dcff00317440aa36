"""Which reasons a member's risk is given, and in what words."""

import numpy as np
import polars as pl
import pytest

from sselfie_insights.forecast.features import FEATURES, take_features, tell_reasons
from sselfie_insights.statistics.hazard import HazardModel

AVERAGE = {
    "tenure_months": 3, "idle_days": 4, "active_days": 5, "active_days_before": 5,
    "runway_days": 40, "failed_payments": 0,
}  # fmt: skip


def rows(**changes: float | None) -> pl.DataFrame:
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
    )


@pytest.mark.parametrize(
    ("effect", "changes", "words"),
    [
        ({"tenure": -1}, {"tenure_months": 0}, "has not renewed yet"),
        ({"tenure": -1}, {"tenure_months": 1}, "renewed only once"),
        ({"tenure": -1}, {"tenure_months": 2}, "renewed 2 times"),
        ({"recency": 1}, {"idle_days": 31}, "no activity for 31 days"),
        ({"recency": 1}, {"idle_days": 90}, "no activity for 90 days or more"),
        ({"inactive": 1}, {"idle_days": 30}, "no activity for 30 days"),
        (
            {"usage_trend": -1}, {"active_days": 1},
            "active on 1 of the last 30 days, 5 of the 30 before",
        ),
        ({"credit_runway": 1}, {"runway_days": 365}, "hardly uses the credits"),
        ({"credit_runway": -1}, {"runway_days": 0.9}, "no credits left"),
        ({"credit_runway": -1}, {"runway_days": 2.9}, "credits last 2 more days"),
        ({"failed_payments": 1}, {"failed_payments": 2}, "2 failed payments in the last 31 days"),
    ],
)  # fmt: skip
def test_each_feature_has_its_words(
    effect: dict[str, float], changes: dict[str, float], words: str
) -> None:
    assert tell_reasons(model(**effect), rows(**changes)) == [[words]]


@pytest.mark.parametrize(("coefficient", "is_reason"), [(0.099, False), (0.101, True)])
def test_a_reason_adds_a_tenth_to_the_log_odds(coefficient: float, is_reason: bool) -> None:
    # One failed payment more than the average member's none: it adds the coefficient.
    reasons = tell_reasons(model(failed_payments=coefficient), rows(failed_payments=1))
    assert bool(reasons[0]) == is_reason


def test_the_weightiest_three_come_first() -> None:
    effects = {"tenure": -0.2, "credit_runway": -1.0, "failed_payments": 0.3, "usage_trend": -0.9}
    changes = {"tenure_months": 0, "runway_days": 0, "failed_payments": 1, "active_days": 0}
    # They add 0.28, 3.71, 0.3 and 1.61 to the log odds.
    assert tell_reasons(model(**effects), rows(**changes)) == [
        [
            "no credits left",
            "active on 0 of the last 30 days, 5 of the 30 before",
            "1 failed payments in the last 31 days",
        ]
    ]


def test_silence_is_one_reason_though_two_features_see_it() -> None:
    reasons = tell_reasons(model(recency=1, inactive=1), rows(idle_days=45))
    assert reasons == [["no activity for 45 days"]]


def test_what_is_not_known_or_not_clear_is_no_reason() -> None:
    assert tell_reasons(model(recency=1), rows(idle_days=None)) == [[]]
    unclear = HazardModel(
        **{**vars(model(failed_payments=1)), "covariance": np.eye(len(FEATURES) + 1)}
    )
    assert tell_reasons(unclear, rows(failed_payments=1)) == [[]]
