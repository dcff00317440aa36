"""Chances to leave against laws that are known; every simulation's seed is written down."""

import numpy as np
import pytest
from scipy import special

from sselfie_insights.statistics.cells import Cells
from sselfie_insights.statistics.renewals import Lifetimes, fit_bdw
from sselfie_insights.statistics.retention import Retention, fit_retention

NOW = 24


def draw(
    rng: np.random.Generator, chance: list[float], joins: int = 200, slope: float = 0.0
) -> Cells:
    """24 cohorts whose chance to leave at each renewal is ``chance``, the last one repeated."""
    cohort = np.repeat(np.arange(1, NOW + 1), joins)
    ends = np.full(cohort.size, 99)
    for renewal in range(1, NOW):
        each = chance[min(renewal, len(chance)) - 1] * np.exp(slope * (cohort - NOW))
        gone = (ends == 99) & (rng.random(cohort.size) < each)
        ends[gone] = renewal
    seen = NOW - cohort
    return Cells.count(cohort, np.minimum(ends, seen), ends <= seen, np.ones(cohort.size))


def fit(cells: Cells) -> Retention:
    found = fit_retention(cells, NOW)
    assert found is not None
    return found


def test_cells_count_what_is_due() -> None:
    # Cohort 1: lost at renewals 1 and 3, one made two and is there. Cohort 2: one made one.
    cells = Cells.count(
        np.array([1, 1, 1, 2]),
        np.array([1, 3, 2, 1]),
        np.array([True, True, False, False]),
        np.array([5.0, 1, 1, 2]),
    )
    assert cells.started.tolist() == [7, 2]
    assert cells.due.tolist() == [[7, 2, 1], [2, 0, 0]]
    assert cells.lost.tolist() == [[5, 0, 1], [0, 0, 0]]
    then = cells.until(2)  # when cohort 1 had one renewal due, and cohort 2 none
    assert then.due.tolist() == [[7], [0]]
    assert then.lost.tolist() == [[5], [0]]
    yearly = Cells.count(np.array([1]), np.array([1]), np.array([True]), np.ones(1), interval=12)
    assert yearly.until(12).due.size == 0
    assert yearly.until(13).lost.tolist() == [[1]]


def test_log_survival_never_rises_above_nothing() -> None:
    """Differences of log gamma functions did, for large t to the c: S is a chance."""
    data = Lifetimes.from_durations([1, 1, 2, 3, 3, 4], [True] * 6)
    model = fit_bdw(data)
    points = np.array([[-8.0, -3.0, 2.4], [5.0, 11.0, 2.5], [-2.0, 3.0, -2.5]])
    survival = model.survival(np.arange(1500), points)
    assert (survival <= 1).all()
    assert (np.diff(survival, axis=-1) <= 0).all()
    assert (model.derl([0, 30], 0.01, points) <= 101).all()
    # Against the definition, by the gamma function of arbitrary precision in logs of few digits.
    alpha, beta, aged = 0.5, 2.0, 7.0**1.3
    expected = special.gamma(beta + aged) * special.gamma(alpha + beta)
    expected /= special.gamma(beta) * special.gamma(alpha + beta + aged)
    point = np.array([special.logit(alpha / 2.5), np.log(2.5), np.log(1.3)])
    assert model.survival([0, 7], point)[1] == pytest.approx(expected)


def test_a_first_renewal_that_many_leave_at_has_its_own_chance() -> None:
    model = fit(draw(np.random.default_rng(51), [0.3, 0.04]))
    assert model.name == "sBG after the first renewal"
    assert model.first is not None
    chance, low, high = model.first
    assert low < 0.3 < high
    assert chance == pytest.approx(0.3, abs=0.02)
    later = model.draw(np.random.default_rng(52), 400, 40).chance[:, 30]
    low, high = np.quantile(later, [0.025, 0.975])
    assert low < 0.04 < high < 0.06


@pytest.mark.parametrize("first", [0.05, 0.3])
def test_members_who_are_alike_are_not_expected_to_stay_for_longer(first: float) -> None:
    """Of thirty such businesses most intervals hold the months that 1 / (1 - 0.95 / 1.01) give."""
    truth = 1 + (1 - first) / 1.01 / (1 - 0.95 / 1.01)
    held, months = 0, []
    for seed in range(30):
        model = fit(draw(np.random.default_rng([63, seed]), [first, 0.05], joins=30))
        chance = model.draw(np.random.default_rng(64), 400, 700).chance
        drawn = 1 + np.cumprod((1 - chance) / 1.01, axis=1).sum(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        held += low <= truth <= high
        months.append(drawn.mean())
    assert held >= 26
    assert np.median(months) == pytest.approx(truth, rel=0.07)


def test_a_later_renewal_that_many_leave_at_is_no_curve() -> None:
    model = fit(draw(np.random.default_rng(53), [0.04, 0.04, 0.25, 0.04]))
    chance = model.chance(40)
    assert chance[2] == pytest.approx(0.25, abs=0.03)
    assert chance[[1, 3, 35]] == pytest.approx([0.04] * 3, abs=0.02)


def test_cohorts_that_get_better_are_those_of_the_newest() -> None:
    model = fit(draw(np.random.default_rng(54), [0.06], slope=-0.04))
    assert model.trend is not None
    slope, error = model.trend
    assert abs(slope + 0.04) < 3 * error
    drawn = model.draw(np.random.default_rng(55), 400, 24)
    low, high = np.quantile(drawn.chance[:, 0], [0.025, 0.975])
    assert low < 0.06 < high
    # Who joined 12 months before is of a cohort that is worse by exp(0.48).
    older = 1 - drawn.stays(np.array([13]), np.array([12]))
    assert np.median(older) == pytest.approx(0.06 * np.exp(0.48), rel=0.25)


def test_a_business_without_a_trend_has_none() -> None:
    rng = np.random.default_rng(56)
    found = [fit(draw(rng, [0.08], joins=20)).trend is not None for _ in range(60)]
    assert sum(found) <= 4  # of 60, at 2 %


def test_months_in_which_everybody_leaves_widen_the_doubt() -> None:
    rng = np.random.default_rng(57)
    steady = draw(rng, [0.08], joins=100)
    effect = rng.gamma(1 / 0.4**2, 0.4**2, NOW + 1)
    cohort = np.repeat(np.arange(1, NOW + 1), 100)
    ends = np.full(cohort.size, 99)
    for renewal in range(1, NOW):
        month = np.minimum(cohort + renewal, NOW)
        gone = (ends == 99) & (rng.random(cohort.size) < 1 - 0.92 ** effect[month])
        ends[gone] = renewal
    seen = NOW - cohort
    varying = Cells.count(cohort, np.minimum(ends, seen), ends <= seen, np.ones(cohort.size))
    spreads = [
        float(np.median(fit(cells).draw(np.random.default_rng(58), 400, 1).spread))
        for cells in (steady, varying)
    ]
    assert spreads[0] <= 0.15
    assert 0.25 <= spreads[1] <= 0.6
    effects = (
        fit(varying).draw(np.random.default_rng(59), 4000, 1).months(np.random.default_rng(60), 1)
    )
    assert effects.mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("chance", [[0.0], [1.0], [0.0, 1.0], [0.999, 0.0], [0.5]])
def test_nothing_that_can_happen_is_an_error(chance: list[float]) -> None:
    for joins in (1, 3, 40):
        model = fit_retention(draw(np.random.default_rng(61), chance, joins=joins), NOW)
        if model is None:
            continue
        drawn = model.draw(np.random.default_rng(62), 50, 60)
        assert np.isfinite(drawn.chance).all()
        assert ((drawn.chance >= 0) & (drawn.chance <= 1)).all()
