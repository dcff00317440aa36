"""Intervals for shares, means and curves, against printed values and by how often they hold."""

import numpy as np
import pytest
from scipy import stats

from sselfie_insights.statistics.intervals import bootstrap_mean, wilson
from sselfie_insights.statistics.kaplan_meier import kaplan_meier, log_rank

SIMULATIONS = 1000


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
     (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_wilson_is_as_printed(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson(successes, trials)
    assert [float(end) for end in found] == pytest.approx([low, high], abs=5e-5)


def test_wilson_of_nobody_is_unknown_and_of_everybody_ends_at_one() -> None:
    low, high = wilson([0, 7], [0, 7])
    assert np.isnan([low[0], high[0]]).all()
    assert 0 < low[1] < high[1] == 1


def test_wilson_holds_the_truth() -> None:
    rng = np.random.default_rng(21)
    truth = rng.uniform(0.05, 0.95, SIMULATIONS)
    low, high = wilson(rng.binomial(60, truth), np.full(SIMULATIONS, 60))
    assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 0.97


def test_the_bootstrap_holds_the_truth() -> None:
    rng = np.random.default_rng(22)
    prices, chances = np.array([4900.0, 9700.0, 14900.0]), np.array([0.5, 0.4, 0.1])
    truth = prices @ chances
    held = 0
    for counts in rng.multinomial(200, chances, size=SIMULATIONS):
        low, high = bootstrap_mean(prices, counts, rng, draws=400)
        held += low <= truth <= high
    assert 0.93 <= held / SIMULATIONS <= 0.97


def test_the_bootstrap_needs_values() -> None:
    with pytest.raises(ValueError, match="no values"):
        bootstrap_mean([], [], np.random.default_rng(1))


def test_kaplan_meier_holds_the_truth() -> None:
    rng = np.random.default_rng(23)
    held = 0
    for _ in range(SIMULATIONS):
        ends, seen = rng.geometric(0.1, 200), rng.integers(1, 19, 200)
        curve = kaplan_meier(np.minimum(ends, seen), ends <= seen)
        step = np.searchsorted(curve.times, 6)
        held += curve.low[step] <= 0.9**6 <= curve.high[step]
    assert 0.93 <= held / SIMULATIONS <= 0.97


def test_before_the_first_loss_and_after_the_last_member() -> None:
    curve = kaplan_meier([1, 2, 2, 3], [False, True, True, True])
    assert curve.survival == pytest.approx([1, 1 / 3, 0])
    assert (curve.low[0], curve.high[0]) == (pytest.approx(float(wilson(4, 4)[0])), 1)
    assert (curve.low[2], curve.high[2]) == (0, curve.high[1])


def test_weights_are_so_many_members() -> None:
    once = kaplan_meier([1, 1, 2, 3, 3, 3], [True, True, False, True, True, True])
    weighted = kaplan_meier([1, 2, 3], [True, False, True], [2, 1, 3])
    assert weighted.survival == pytest.approx(once.survival)
    assert weighted.at_risk.tolist() == once.at_risk.tolist() == [6, 4, 3]


def test_the_log_rank_test_of_equals_is_rarely_sure() -> None:
    rng = np.random.default_rng(24)
    found = 0
    for _ in range(SIMULATIONS):
        ends = rng.geometric(0.15, 120)
        result = log_rank(np.minimum(ends, 12), ends <= 12, np.arange(120) < 50)
        assert result is not None
        found += result.p_value < 0.05
    assert 0.03 <= found / SIMULATIONS <= 0.07


def test_the_log_rank_test_is_scipys() -> None:
    rng = np.random.default_rng(25)
    ends, seen = rng.geometric(0.2, 80), rng.integers(1, 13, 80)
    durations, is_lost, in_first = np.minimum(ends, seen), ends <= seen, np.arange(80) < 30
    theirs = stats.logrank(
        *(
            stats.CensoredData(
                uncensored=durations[group & is_lost], right=durations[group & ~is_lost]
            )
            for group in (in_first, ~in_first)
        )
    )
    ours = log_rank(durations, is_lost, in_first)
    assert ours is not None
    assert ours.statistic == pytest.approx(theirs.statistic**2)
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_the_log_rank_test_of_a_million_durations_at_one_time_is_that_of_a_table() -> None:
    """Mantel's test of one table is Pearson's, but for the factor (n - 1) / n."""
    lost, kept = (90_000, 110_000), (380_000, 420_000)
    ours = log_rank(
        [1, 1, 2, 2], [True, True, False, False], [True, False, True, False], [*lost, *kept]
    )
    theirs = stats.chi2_contingency([lost, kept], correction=False)
    assert ours is not None
    assert ours.statistic == pytest.approx(theirs.statistic * (1 - 1 / 1_000_000))


def test_there_is_nothing_to_compare_without_losses_or_a_second_group() -> None:
    assert log_rank([1, 2], [False, False], [True, False]) is None
    assert log_rank([1, 2], [True, True], [True, True]) is None
