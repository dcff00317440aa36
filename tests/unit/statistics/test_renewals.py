"""Models of renewal against known truths; every simulation's seed is written down."""

import os

import numpy as np
import pytest
from scipy import optimize

from sselfie_insights.statistics.renewals import Lifetimes, fit_bdw, fit_sbg
from tests.unit.statistics.published import HIGH_END, survivors

# 1,000 prove it; fewer are quick. The band below is three standard errors of 250 around 95 %.
SIMULATIONS = int(os.environ.get("COVERAGE_SIMULATIONS", "250"))
BAND = (0.91, 0.99) if SIMULATIONS < 1000 else (0.93, 0.97)


def draw(rng: np.random.Generator, alpha: float, beta: float, members: int) -> Lifetimes:
    """Members who leave with a probability of their own, seen for 1 to 18 months."""
    ends = rng.geometric(rng.beta(alpha, beta, members))
    seen = rng.integers(1, 19, members)
    return Lifetimes.from_durations(np.minimum(ends, seen), ends <= seen)


def true_survival(alpha: float, beta: float, periods: int) -> float:
    made = np.arange(periods)
    return float(np.prod((beta + made) / (alpha + beta + made)))


def test_parameters_are_recovered() -> None:
    model = fit_sbg(draw(np.random.default_rng(11), 0.9, 7.0, 200_000))
    assert model.parameters == pytest.approx((0.9, 7.0), rel=0.05)


def test_the_shape_of_the_beta_discrete_weibull_is_recovered() -> None:
    rng = np.random.default_rng(12)
    alpha, beta, shape = 0.8, 6.0, 1.4
    # S(t) of one member is (1 - p) to the power of t^c.
    chance = rng.beta(alpha, beta, 200_000)
    ends = np.ceil((rng.exponential(size=chance.size) / -np.log1p(-chance)) ** (1 / shape))
    seen = rng.integers(1, 19, chance.size)
    data = Lifetimes.from_durations(np.minimum(ends, seen).astype(int), ends <= seen)
    assert fit_bdw(data).parameters == pytest.approx((alpha, beta, shape), rel=0.1)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(20_261_122)
    alpha, beta, members = 0.9, 7.0, 1500
    truths = {"S(12)": true_survival(alpha, beta, 12), "hazard": alpha / (alpha + beta)}
    held = dict.fromkeys(truths, 0)
    for _ in range(SIMULATIONS):
        model = fit_sbg(draw(rng, alpha, beta, members))
        values = {
            "S(12)": model.survival([12], model.edge)[:, 0],
            "hazard": model.hazard([0], model.edge)[:, 0],
        }
        for name, value in values.items():
            low, high = model.interval(value)
            held[name] += low <= truths[name] <= high
    for name, count in held.items():
        assert BAND[0] <= count / SIMULATIONS <= BAND[1], name


def test_the_interval_is_that_of_the_profile_likelihood() -> None:
    model = fit_sbg(survivors(HIGH_END, 7))

    def profile(alpha: float) -> float:
        def loss(beta: float) -> float:
            made = np.arange(7)
            survival = np.cumprod((beta + made) / (alpha + beta + made))
            leaving = np.concatenate([[1.0], survival[:-1]]) - survival
            data = model.data
            return -float(data.lost @ np.log(leaving) + data.alive[-1] * np.log(survival[-1]))

        return -optimize.minimize_scalar(loss, bounds=(0.01, 200), method="bounded").fun

    def edge(start: float, stop: float) -> float:
        height = model.log_likelihood - 3.841459 / 2
        return float(optimize.brentq(lambda value: profile(value) - height, start, stop))

    low, high = model.parameter_intervals()[0]
    top = model.parameters[0]
    assert low == pytest.approx(edge(0.1, top), rel=2e-3)
    assert high == pytest.approx(edge(top, 10), rel=2e-3)


def test_the_hazard_of_sbg_is_the_papers() -> None:
    model = fit_sbg(survivors(HIGH_END, 7))
    alpha, beta = model.parameters
    made = np.arange(20)
    assert model.hazard(made) == pytest.approx(alpha / (alpha + beta + made))


def test_members_who_do_not_differ_are_no_error() -> None:
    rng = np.random.default_rng(13)
    ends = rng.geometric(0.1, 500)
    model = fit_sbg(Lifetimes.from_durations(np.minimum(ends, 12), ends <= 12))
    months = model.derl([0], 0.01)[0]
    low, high = model.interval(model.derl([0], 0.01, model.edge)[:, 0])
    # Geometric lifetimes: the sum of 0.9^t / 1.01^(t - 1) over t from 1.
    assert low < 0.9 / (1 - 0.9 / 1.01) < high
    assert low < months < high


def test_draws_follow_the_likelihood() -> None:
    model = fit_sbg(draw(np.random.default_rng(14), 0.9, 7.0, 1500))
    drawn = model.survival([12], model.draw(np.random.default_rng(15), 4000))[:, 0]
    low, high = model.interval(model.survival([12], model.edge)[:, 0])
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([low, high], abs=0.006)
    again = model.survival([12], model.draw(np.random.default_rng(15), 4000))[:, 0]
    assert (drawn == again).all()


def test_nothing_is_fitted_without_a_loss() -> None:
    with pytest.raises(ValueError, match="nobody was lost"):
        fit_sbg(Lifetimes.from_durations([3, 4], [False, False]))
