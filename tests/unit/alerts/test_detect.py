"""How far a number is from its usual course: by hand, and measured over simulated businesses."""

import numpy as np
import pytest

from sselfie_insights.alerts.definition import Anomaly, load_watches
from sselfie_insights.alerts.detect import LEAST_RESIDUALS, MAD_SCALE, score_series

SEED = 20261122
BUSINESSES = 2000
DEVIATIONS = Anomaly().deviations


def test_a_score_by_hand() -> None:
    """Residuals of the plain seasonal-naive forecast are the steps: 1 2 3 … 1 2 3, then 12.

    Their median is 2, the MAD of (1 0 1 …) is 1.
    """
    steps = [1.0, 2.0, 3.0] * 4 + [12.0]
    values = np.cumsum([100.0, *steps])
    scores, expected, scales = score_series(values, seasons=1)
    assert np.isnan(scores[:-1]).all()
    assert scales[-1] == pytest.approx(MAD_SCALE)
    assert expected[-1] == pytest.approx(values[-2] + 2)
    assert scores[-1] == pytest.approx(10 / MAD_SCALE)


def test_a_shock_of_the_past_is_not_echoed_by_the_median_of_the_seasons() -> None:
    rng = np.random.default_rng(SEED)
    values = rng.normal(100, 1, 40)
    values[35] += 50
    scores, _, _ = score_series(values)
    assert scores[35] > 20
    assert np.abs(scores[36:]).max() < 4
    naive, _, _ = score_series(values, seasons=1)
    assert naive[36] < -10


def test_weekdays_are_compared_with_their_own_kind() -> None:
    rng = np.random.default_rng(SEED)
    week = np.tile([10.0, 100, 100, 100, 100, 100, 10], 20) + rng.normal(0, 1, 140)
    by_week, _, _ = score_series(week, season=7)
    by_day, _, _ = score_series(week)
    assert np.nanmax(np.abs(by_week)) < 6
    assert np.nanmax(np.abs(by_day)) > 20


def test_a_short_history_or_one_that_never_moves_is_not_judged() -> None:
    rng = np.random.default_rng(SEED)
    values = rng.normal(size=4 + LEAST_RESIDUALS)
    scores, _, _ = score_series(values)
    assert np.isnan(scores[: 3 + LEAST_RESIDUALS]).all()
    assert not np.isnan(scores[3 + LEAST_RESIDUALS])
    still = np.full(40, 7.0)
    still[-1] = 8
    assert np.isnan(score_series(still)[0]).all()


def test_a_gap_is_no_part_of_the_course() -> None:
    rng = np.random.default_rng(SEED)
    values = rng.normal(100, 1, 40)
    values[20] = np.nan
    scores, _, _ = score_series(values)
    assert np.isnan(scores[20])
    assert not np.isnan(scores[21:]).any()


def test_scores_of_many_series_are_those_of_each() -> None:
    rng = np.random.default_rng(SEED)
    values = rng.normal(size=(5, 30))
    together, _, _ = score_series(values)
    for one, scores in zip(values, together, strict=True):
        assert np.array_equal(score_series(one)[0], scores, equal_nan=True)


def noise(kind: str, rng: np.random.Generator, periods: int) -> np.ndarray:
    shape = (BUSINESSES, periods)
    if kind == "counts":
        return rng.poisson(40, shape).astype(float)
    steps = rng.normal(size=shape)
    if kind == "sticky":
        for t in range(1, periods):
            steps[:, t] += 0.5 * steps[:, t - 1]
    return 100 + steps


KINDS = ("noise", "counts", "sticky")


@pytest.mark.parametrize("periods", [24, 48])
@pytest.mark.parametrize("kind", KINDS)
def test_nine_in_ten_shocks_of_four_mads_are_caught(kind: str, periods: int) -> None:
    """A shock of 4 scaled MADs of the residuals, in the last period, up or down."""
    rng = np.random.default_rng([SEED, periods, KINDS.index(kind)])
    values = noise(kind, rng, periods)
    _, expected, _ = score_series(values)
    residuals = (values - expected)[:, -1]
    mad = MAD_SCALE * np.median(np.abs(residuals - np.median(residuals)))
    values[:, -1] += 4 * mad * rng.choice([-1, 1], BUSINESSES)
    caught = np.abs(score_series(values)[0][:, -1]) > DEVIATIONS
    print(f"caught {caught.mean():.3f} of {kind} over {periods} periods, seed {SEED}")
    assert caught.mean() >= 0.90


@pytest.mark.parametrize("kind", KINDS)
def test_at_most_one_false_alarm_a_quarter_on_a_business_that_stands_still(kind: str) -> None:
    """The packaged rules over stationary numbers, three months each, from 21 months of history.

    Every anomaly of the file is a series of its own here, as for a business of one currency; the
    share of a line is drawn at the line itself, where false alarms are most likely.
    """
    rng = np.random.default_rng([SEED, KINDS.index(kind)])
    false_alarms = np.zeros(BUSINESSES)
    for watch in load_watches():
        if watch.anomaly is not None:
            seasons, direction = watch.anomaly.seasons, watch.anomaly.direction
            scores, _, _ = score_series(noise(kind, rng, 24), seasons=seasons)
            last = scores[:, -3:]
            up, down = last > watch.anomaly.deviations, last < -watch.anomaly.deviations
            fired = {"up": up, "down": down, "both": up | down}[direction]
            false_alarms += fired.sum(axis=1)
        elif watch.trials is not None:
            line, n = watch.above or watch.below or 0.0, 150
            shares = rng.binomial(n, line, (BUSINESSES, 3)) / n
            beyond = shares - line if watch.above else line - shares
            false_alarms += (beyond > 1.96 * np.sqrt(line * (1 - line) / n)).sum(axis=1)
    print(f"{false_alarms.mean():.3f} false alarms a quarter and business of {kind}, seed {SEED}")
    assert false_alarms.mean() <= 1
