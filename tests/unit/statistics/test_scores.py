"""Scores of predictions, and arrivals, by hand."""

import numpy as np
import pytest

from sselfie_insights.statistics.arrivals import draw_arrivals
from sselfie_insights.statistics.scores import brier, calibrate_bins, top_share


def test_brier_by_hand() -> None:
    assert brier([0.2, 0.9], [0, 1]) == pytest.approx((0.04 + 0.01) / 2)


def test_the_top_tenth_of_equals_is_a_tenth() -> None:
    assert top_share(np.arange(20), np.arange(20) >= 18) == 1
    assert top_share(np.full(20, 0.5), np.arange(20) < 10) == pytest.approx(0.1)
    assert np.isnan(top_share([0.1, 0.2], [False, False]))


def test_bins_are_about_equal_and_keep_equals_together() -> None:
    bins = calibrate_bins(np.repeat([0.1, 0.2, 0.6], [50, 30, 20]), np.arange(100) >= 90)
    assert [(each.count, each.happened) for each in bins] == [(50, 0), (30, 0), (20, 10)]
    assert bins[-1].predicted == pytest.approx(0.6)
    assert bins[-1].low < bins[-1].rate == 0.5 < bins[-1].high
    spread = calibrate_bins(np.linspace(0, 1, 1000), np.zeros(1000))
    assert [each.count for each in spread] == [100] * 10


def test_arrivals_that_grow_may_go_on_or_fade() -> None:
    grown = draw_arrivals(20 * 1.1 ** np.arange(12), 12, np.random.default_rng(41), 4000)
    low, middle, high = np.quantile(grown, [0.025, 0.5, 0.975], axis=0)
    last = 20 * 1.1**11
    assert last < middle[0] < last * 1.15
    assert low[-1] < last * 1.1**4  # it fades as a damped trend of Gardner and McKenzie
    assert middle[-1] < last * 1.1**12 < high[-1]  # or does not stop


def test_a_season_of_the_past_comes_again() -> None:
    months = np.arange(36)
    seen = 60 * (1 + 0.5 * np.sin(2 * np.pi * months / 12))
    middle = np.median(draw_arrivals(np.rint(seen), 12, np.random.default_rng(44), 2000), axis=0)
    assert middle[2:5].mean() > 75  # months 38 to 40, the peak at month 39
    assert middle[8:11].mean() < 45


def test_eight_months_without_joins_are_not_certain_zero() -> None:
    draws = draw_arrivals([30] * 16 + [0] * 8, 12, np.random.default_rng(45), 2000)
    assert np.quantile(draws[:, 0], 0.5) <= 1
    # Jeffreys' posterior after eight failures: a mean chance of 1/18 a month to begin again.
    assert (draws[:, 0] > 5).mean() == pytest.approx(0.5 / 9, abs=0.02)
    assert np.quantile(draws[:, 11], 0.975) > 20


def test_arrivals_of_a_steady_business_hold_what_comes() -> None:
    rng = np.random.default_rng(42)
    held = []
    for _ in range(200):
        draws = draw_arrivals(rng.poisson(30, 12), 1, rng, 500)
        low, high = np.quantile(draws, [0.025, 0.975])
        held.append(low <= rng.poisson(30) <= high)
    assert np.mean(held) >= 0.9


def test_nobody_comes_where_nobody_came() -> None:
    draws = draw_arrivals([0, 0, 0, 0], 3, np.random.default_rng(43), 5)
    assert draws.tolist() == [[0, 0, 0]] * 5


def test_a_pause_may_last() -> None:
    """Half a year without anybody, after eight such months.

    No beginning in it: B(0.5, 14.5) / B(0.5, 8.5) = 0.7610. Nobody at a rate of the gamma posterior
    with shape 0.5 and 8 months: (8 / 14) ** 0.5 = 0.7559.
    """
    draws = draw_arrivals([40] * 16 + [0] * 8, 6, np.random.default_rng(46), 20_000)
    assert (draws.sum(axis=1) == 0).mean() == pytest.approx(0.7610 * 0.7559, abs=0.012)


def test_growth_that_stops_and_growth_that_goes_on_are_inside() -> None:
    """The joins of twelve months, after 18 in which they grew by 10 % a month."""
    rng = np.random.default_rng(47)
    held = {"stops": 0, "goes on": 0}
    for _ in range(40):
        rate = 5 * 1.1 ** np.arange(30)
        seen = rng.poisson(rate[:18])
        low, high = np.quantile(draw_arrivals(seen, 12, rng, 400).sum(axis=1), [0.025, 0.975])
        held["stops"] += low <= rng.poisson(12 * rate[17]) <= high
        held["goes on"] += low <= rng.poisson(rate[18:]).sum() <= high
    assert min(held.values()) >= 36
