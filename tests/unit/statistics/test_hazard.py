"""The churn model against tables that can be worked out, and against its own truth."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from sselfie_insights.statistics.hazard import UNCHANGED, HazardModel, fit_hazard, recalibrate
from sselfie_insights.statistics.scores import brier


def test_a_table_of_four_is_worked_out() -> None:
    # 100 quiet members, 30 lost; 300 active ones, 30 lost: the odds ratio is (30/70) / (30/270).
    quiet = np.repeat([1.0, 1.0, 0.0, 0.0], [30, 70, 30, 270])
    lost = np.repeat([True, False, True, False], [30, 70, 30, 270])
    model = fit_hazard(quiet[:, None], lost, ridge=0.0)
    assert special.expit(model.log_odds([[1.0], [0.0]])) == pytest.approx([0.3, 0.1], abs=1e-5)
    spread = quiet.std()
    ratio, low, high = (float(each[0]) for each in model.odds_ratios())
    assert np.log(ratio) / spread == pytest.approx(np.log((30 / 70) / (30 / 270)), abs=1e-4)
    # Woolf (1955): the variance of the log odds ratio is the sum of the reciprocals.
    reach = 1.959964 * np.sqrt(1 / 30 + 1 / 70 + 1 / 30 + 1 / 270)
    assert np.log(high / low) / 2 / spread == pytest.approx(reach, rel=1e-3)


def test_coefficients_are_recovered() -> None:
    rng = np.random.default_rng(31)
    features = rng.normal([5, 1, 0], [2, 0.5, 1], size=(60_000, 3))
    truth = -2.5 + (features - [5, 1, 0]) / [2, 0.5, 1] @ [0.6, -0.3, 0.0]
    lost = rng.random(60_000) < special.expit(truth)
    model = fit_hazard(features, lost)
    assert model.coefficients == pytest.approx([-2.5, 0.6, -0.3, 0.0], abs=0.05)
    _, low, high = model.odds_ratios()
    assert (low[0] > 1, high[1] < 1, low[2] < 1 < high[2]) == (True, True, True)


def test_what_is_not_known_adds_nothing() -> None:
    features = np.array([[0.0], [1.0], [2.0], [np.nan]] * 20)
    lost = np.array([False, False, True, False] * 20)
    model = fit_hazard(features, lost)
    assert model.contributions([[np.nan]]).tolist() == [[0.0]]
    assert model.means[0] == 1


def test_a_feature_that_never_varies_is_no_error() -> None:
    model = fit_hazard([[3.0]] * 40, [True] * 10 + [False] * 30)
    assert special.expit(model.log_odds([[3.0]]))[0] == pytest.approx(0.25)
    assert model.error([[3.0]])[0] == pytest.approx(np.sqrt(1 / 10 + 1 / 30), rel=1e-3)


@pytest.mark.parametrize("lost", [[True] * 4, [False] * 4])
def test_one_outcome_teaches_nothing(lost: list[bool]) -> None:
    with pytest.raises(ValueError, match="nothing to fit"):
        fit_hazard([[1.0]] * 4, lost)


def test_recalibration_undoes_what_was_too_bold() -> None:
    rng = np.random.default_rng(32)
    truth = rng.normal(-2.5, 0.8, 40_000)
    lost = rng.random(truth.size) < special.expit(truth)
    bold = 0.7 + 2 * truth
    mending = recalibrate(bold, lost)
    assert mending.line == pytest.approx([-0.35, 0.5], abs=0.05)
    mended = special.expit(mending.log_odds(bold))
    assert brier(mended, lost) < brier(special.expit(bold), lost)
    assert mended.mean() == pytest.approx(lost.mean(), rel=1e-3)


def test_predictions_that_say_nothing_stay_as_they_are() -> None:
    rng = np.random.default_rng(33)
    assert recalibrate(rng.normal(-2, 1, 300), rng.random(300) < 0.12) is UNCHANGED


def test_the_doubt_of_a_recalibration_is_that_of_many() -> None:
    """Its standard error against the scatter of 300 recalibrations of the same truth."""
    rng = np.random.default_rng(34)
    truth = rng.normal(-2, 1, 800)
    found = [recalibrate(truth, rng.random(800) < special.expit(truth)) for _ in range(300)]
    scatter = np.std([each.log_odds([-1.0])[0] for each in found])
    errors = [each.error([-1.0], [0.0])[0] for each in found]
    assert np.median(errors) == pytest.approx(scatter, rel=0.15)
    # That of the prediction comes on top, times the slope.
    one = found[0]
    both = one.error([-1.0], [0.3])[0] ** 2 - one.error([-1.0], [0.0])[0] ** 2
    assert both == pytest.approx((0.3 * one.line[1]) ** 2)


def test_of_six_features_without_effect_one_is_clear_in_a_business_in_twenty() -> None:
    rng = np.random.default_rng(35)
    wrong = 0
    for _ in range(300):
        features, lost = rng.normal(size=(500, 6)), rng.random(500) < 0.15
        wrong += bool(fit_hazard(features, lost).is_clear().any())
    assert wrong / 300 <= 0.08  # 5 %, and two standard errors of 300


def test_the_clear_ones_by_hand() -> None:
    # p = 0.001, 0.02, 0.03: Holm asks for 0.05 / 3, 0.05 / 2 and 0.05.
    model = HazardModel(
        np.zeros(3), np.ones(3), np.array([0, 3.2905, 2.3263, 2.1701]), np.eye(4), 9, 9,
        np.array([True, True, True]),
    )  # fmt: skip
    assert model.is_clear().tolist() == [True, True, True]
    unsure = replace(model, coefficients=np.array([0, 3.2905, 2.17, 2.1]))
    assert unsure.is_clear().tolist() == [True, False, False]
    still = replace(unsure, varies=np.array([True, True, False]))
    assert still.is_clear().tolist() == [True, True, False]  # two are tested, not three
