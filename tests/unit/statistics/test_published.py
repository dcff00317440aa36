"""The numbers that METRICS.md §8 quotes from papers and textbooks, to the precision it states."""

import numpy as np
import pytest
from scipy import special

from sselfie_insights.statistics.kaplan_meier import kaplan_meier, log_rank
from sselfie_insights.statistics.renewals import Lifetimes, fit_bdw, fit_sbg
from tests.unit.statistics.published import (
    CONTROL,
    HIGH_END,
    MERCAPTOPURINE,
    REGULAR,
    durations,
    survivors,
    triangle,
)


@pytest.mark.parametrize(
    ("percent", "alpha", "beta", "error"),
    [(REGULAR, 0.704, 1.182, 0.02), (HIGH_END, 0.668, 3.806, 0.042)],
    ids=["regular", "high end"],
)
def test_sbg_fits_seven_years_and_foresees_the_twelfth(
    percent: tuple[float, ...], alpha: float, beta: float, error: float
) -> None:
    model = fit_sbg(survivors(percent, 7))
    assert model.parameters == pytest.approx((alpha, beta), abs=1e-3)
    twelfth = model.survival([12])[0] * 100
    assert twelfth == pytest.approx(percent[12], rel=error)


@pytest.mark.parametrize(
    ("alive", "alpha", "beta", "precision", "residual"),
    [
        ((10000, 8000, 6480, 5307, 4391), 3.80, 15.20, 0.01, (3.31, 3.45, 3.59, 3.72, 3.84)),
        ((10000, 8000, 7600, 7383, 7235), 0.067, 0.267, 5e-4, (7.68, 9.46, 9.86, 10.06, 10.19)),
    ],
    ids=["like customers", "unlike customers"],
)
def test_pooled_cohorts_cut_by_the_calendar(
    alive: tuple[int, ...],
    alpha: float,
    beta: float,
    precision: float,
    residual: tuple[float, ...],
) -> None:
    model = fit_sbg(triangle(alive))
    assert model.parameters == pytest.approx((alpha, beta), abs=precision)
    assert model.derl(np.arange(5), 0.1) == pytest.approx(residual, abs=0.005)


def test_derl_is_the_papers_closed_form() -> None:
    model = fit_sbg(triangle((10000, 8000, 6480, 5307, 4391)))
    alpha, beta = model.parameters
    made = np.arange(30)
    closed = (beta + made) / (alpha + beta + made)
    closed = closed * special.hyp2f1(1, beta + made + 1, alpha + beta + made + 1, 1 / 1.1)
    assert model.derl(made, 0.1) == pytest.approx(closed, abs=1e-5)


def test_the_beta_discrete_weibull_foresees_what_sbg_does_not() -> None:
    data = survivors(HIGH_END, 4)
    model = fit_bdw(data)
    assert model.parameters == pytest.approx((0.2593, 1.7226, 1.5844), abs=1e-4)
    later, truth = np.arange(5, 13), np.array(HIGH_END[5:])

    def mean_error(foreseen: np.ndarray) -> float:
        return float(np.mean(np.abs(foreseen * 100 - truth) / truth))

    assert mean_error(model.survival(later)) <= 0.017
    assert mean_error(fit_sbg(data).survival(later)) == pytest.approx(0.132, abs=5e-4)


def test_kaplan_meier_of_the_remissions() -> None:
    curve = kaplan_meier(*durations(MERCAPTOPURINE))
    events = curve.lost > 0
    assert curve.times[events].tolist() == [6, 7, 10, 13, 16, 22, 23]
    expected = np.array([0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482])
    assert curve.survival[events] == pytest.approx(expected, abs=5e-5)
    # Symmetric in log(-log S), the ends give back Greenwood's standard error.
    errors = [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    doubly = np.log(-np.log(np.vstack([curve.low[events], curve.high[events]])))
    spread = (doubly[0] - doubly[1]) / (2 * 1.959964)
    survival = curve.survival[events]
    assert spread * survival * -np.log(survival) == pytest.approx(errors, abs=5e-5)


def test_log_rank_against_control() -> None:
    treated, control = durations(MERCAPTOPURINE), durations(CONTROL)
    is_treated = [True] * len(treated[0]) + [False] * len(control[0])
    result = log_rank(treated[0] + control[0], treated[1] + control[1], is_treated)
    assert result is not None
    assert result.statistic == pytest.approx(16.793, abs=5e-4)
    assert result.p_value == pytest.approx(4.17e-5, abs=1e-7)


def test_lifetimes_count_what_they_are_given() -> None:
    data = Lifetimes.from_durations([1, 2, 2, 0, 3], [True, True, False, False, False])
    assert data.lost.tolist() == [1, 1, 0]
    assert data.alive.tolist() == [1, 0, 1, 1]
    assert (data.count, data.lost_count, data.renewal_count) == (5, 2, 8)
    assert data.hazard == 2 / 8
