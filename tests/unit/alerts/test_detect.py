"""How far a number is from its usual course: by hand, and measured over made-up businesses."""

import numpy as np
import pytest
from scipy import stats

from sselfie_insights.alerts.definition import Anomaly
from sselfie_insights.alerts.detect import LEAST, find_drift, limits, score_series

SEED = 20261122
BUSINESSES = 1000
Z = stats.norm.isf(Anomaly().level)


def test_a_steady_count_by_hand() -> None:
    """Twelve months of 100: the mean is 100 and the dispersion 1, so the variance is 100 and more.

    A level alone would add 1/m of it; level and trend would add (4 m + 2) / (m (m - 1)), and add
    less by what the prior holds the trend.
    """
    _, expected, spread = score_series([100.0] * 12 + [60.0])
    assert expected[-1] == pytest.approx(100, rel=1e-3)
    assert np.sqrt(100 + 100 / 12) < spread[-1] < np.sqrt(100 + 100 * 50 / 132)


def test_scores_are_those_of_the_two_thirds_power() -> None:
    scores, expected, spread = score_series([100.0] * 12 + [60.0])
    step = 2 / 3 * expected[-1] ** (-1 / 3) * spread[-1]
    assert scores[-1] == pytest.approx((60 ** (2 / 3) - 100 ** (2 / 3)) / step, rel=2e-2)
    low, high = limits(expected[-1], spread[-1], float(-scores[-1]))
    assert low == pytest.approx(60, rel=2e-2)
    assert high > 100


def test_more_given_back_than_received_is_far_below_the_usual() -> None:
    scores, expected, spread = score_series([100.0] * 12 + [-27.0])
    step = 2 / 3 * expected[-1] ** (-1 / 3) * spread[-1]
    assert scores[-1] == pytest.approx((-9 - 100 ** (2 / 3)) / step, rel=2e-2)


def test_such_a_month_behind_us_hides_no_other() -> None:
    scores, expected, _ = score_series([100.0] * 6 + [-100.0] + [100.0] * 17 + [20.0])
    assert expected[-1] == pytest.approx(100, rel=0.1)
    assert scores[-1] < -2


def test_a_change_by_hand() -> None:
    """Changes of e^0.01 and e^0.03 in turn: mean 0.02; then one of e^-0.1."""
    logs = np.cumsum([0.0, *([0.01, 0.03] * 7), -0.1])
    scores, expected, spread = score_series(100 * np.exp(logs), of="change")
    assert expected[-1] == pytest.approx(100 * np.exp(logs[-2] + 0.02))
    deviation = np.std([0.01, 0.03] * 7, ddof=1) * np.sqrt(1 + 1 / 14)
    assert spread[-1] / expected[-1] == pytest.approx(deviation)
    assert scores[-1] == pytest.approx(-stats.norm.isf(stats.t.sf(0.12 / deviation, 13)), rel=1e-3)


def test_a_way_back_to_the_usual_is_no_alarm() -> None:
    rng = np.random.default_rng(SEED)
    counts = rng.poisson(60, 30).astype(float)
    counts[-2] = 15
    scores, _, _ = score_series(counts)
    assert scores[-2] < -4
    assert abs(scores[-1]) < Z
    carried = 1e6 * np.exp(np.cumsum(rng.normal(0.02, 0.01, 30)))
    carried[-2] *= 0.7
    scores, _, _ = score_series(carried, of="change")
    assert scores[-2] < -4
    assert abs(scores[-1]) < Z


def test_weekdays_are_compared_with_their_own_kind() -> None:
    rng = np.random.default_rng(SEED)
    week = rng.poisson(np.tile([10.0, 100, 100, 100, 100, 100, 10], 20)).astype(float)
    week[-1] = 40
    assert score_series(week, season=7)[0][-1] > 4
    assert abs(score_series(week)[0][-1]) < Z


def test_none_at_all_is_judged() -> None:
    scores, _, _ = score_series([20.0] * 12 + [0.0])
    assert scores[-1] < -3
    quiet, _, _ = score_series([0.0] * 20)
    assert abs(quiet[-1]) < Z


def test_a_short_history_is_not_judged() -> None:
    scores, _, _ = score_series([50.0] * (LEAST + 1))
    assert np.isnan(scores[:-1]).all()
    assert not np.isnan(scores[-1])
    assert np.isnan(score_series([50.0] * 20, of="change")[0]).all()  # what never moved


def test_a_gap_is_no_part_of_the_course() -> None:
    rng = np.random.default_rng(SEED)
    counts = rng.poisson(60, 30).astype(float)
    counts[15] = np.nan
    scores, _, _ = score_series(counts)
    assert np.isnan(scores[15])
    assert not np.isnan(scores[16:]).any()


def test_drift_by_hand() -> None:
    """Scores of -1.7 add 1.2 each, after the slack of a half: the fifth sum is above 5.5."""
    fired = find_drift([0.0, *[-1.7] * 6], downwards=True)
    assert fired.tolist() == [False, False, False, False, False, True, False]
    assert not find_drift([-1.5] * 9, downwards=False).any()


@pytest.mark.parametrize("growth", [0.0, 0.05])
def test_scores_of_a_course_that_holds_are_those_of_a_normal(growth: float) -> None:
    rng = np.random.default_rng(SEED)
    counts = rng.poisson(50 * (1 + growth) ** np.arange(30), (BUSINESSES, 30)).astype(float)
    scores = score_series(counts)[0][:, 24:]
    beyond = float((np.abs(scores) > Z).mean())
    assert beyond <= 2 * Anomaly().level
    assert beyond >= Anomaly().level  # and no sleep: two ends


@pytest.mark.parametrize(("fall", "caught"), [(0.4, 0.75), (0.2, 0.18)])
def test_a_fall_from_fifty_is_seen_in_its_first_month(fall: float, caught: float) -> None:
    rng = np.random.default_rng(SEED)
    counts = rng.poisson(50, (BUSINESSES, 25)).astype(float)
    counts[:, -1] = rng.poisson(50 * (1 - fall), BUSINESSES)
    assert (score_series(counts)[0][:, -1] < -Z).mean() >= caught


def test_a_slow_decline_is_seen_as_drift() -> None:
    """Four per cent a month: no single month is far, a year of them is."""
    rng = np.random.default_rng(SEED)
    course = 100 * np.append(np.ones(24), 0.96 ** np.arange(1, 13))
    scores = score_series(rng.poisson(course, (300, 36)).astype(float))[0]
    drifted = find_drift(scores, downwards=True)[:, 24:].any(axis=1).mean()
    steady = score_series(rng.poisson(100, (300, 36)).astype(float))[0]
    assert drifted > 0.5
    assert find_drift(steady, downwards=True)[:, 24:].any(axis=1).mean() < 0.06
