"""Experiments against worked numbers and simulated ones that are looked at every week."""

import numpy as np
import pytest

from sselfie_insights.statistics.experiments import (
    difference_sequence,
    sample_ratio_p,
    smallest_difference,
)


def test_the_sequence_by_hand() -> None:
    """40 of 200 against 40 of 200: the variance is 2 * (41/202) * (161/202) / 200.

    That is 0.0016178, the information 618.1; it is tuned to 625, so the mixture is
    625 / (5.991 + ln 6.991) = 78.75, and the reach 3.036 standard errors of 0.04022, the root of
    696.9 / 618.1 * ln(696.9 / 0.19688).
    """
    difference, low, high = difference_sequence(40, 200, 40, 200)
    assert difference == 0
    assert (low, high) == (pytest.approx(-0.1221, abs=2e-4), pytest.approx(0.1221, abs=2e-4))


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_twelve_looks_give_no_more_false_verdicts_than_one(share: float) -> None:
    rng = np.random.default_rng(71)
    experiments, wrong = 1000, 0
    sent = np.cumsum(rng.binomial(90, share, (experiments, 12)), axis=1)
    held = np.cumsum(rng.binomial(10, share, (experiments, 12)), axis=1)
    for one, other in zip(sent, held, strict=True):
        wrong += any(
            low > 0 or high < 0
            for week in range(1, 12)  # from 20 people in each group on
            for _, low, high in [
                difference_sequence(
                    int(one[week]), 90 * (week + 1), int(other[week]), 10 * (week + 1)
                )
            ]
        )
    assert wrong / experiments <= 0.06


def test_an_effect_is_found_in_the_end() -> None:
    rng = np.random.default_rng(72)
    found = sum(
        difference_sequence(int(a), 400, int(b), 400)[1] > 0
        for a, b in zip(rng.binomial(400, 0.35, 200), rng.binomial(400, 0.2, 200), strict=True)
    )
    assert found >= 160  # 15 points, beyond the smallest difference of such groups


def test_a_sample_ratio_by_hand() -> None:
    # 1,000 at 10 %: 100 expected, standard deviation 9.487. 130: 29.5 / 9.487 = 3.11.
    assert sample_ratio_p(130, [0.1] * 1000) == pytest.approx(0.00187, abs=5e-5)
    assert sample_ratio_p(100, [0.1] * 1000) == 1
    # Half of them at 20 %: 150 expected.
    assert sample_ratio_p(150, [0.1] * 500 + [0.2] * 500) == 1
    assert sample_ratio_p(3, [1.0] * 3) == 1


def test_the_smallest_difference_is_found_in_eighty_of_a_hundred() -> None:
    least = smallest_difference(900, 100, 0.2)
    assert least is not None
    rng = np.random.default_rng(73)
    found = [
        difference_sequence(int(a), 900, int(b), 100)[1] > 0
        for a, b in zip(
            rng.binomial(900, 0.2 + least, 1000), rng.binomial(100, 0.2, 1000), strict=True
        )
    ]
    assert 0.74 <= np.mean(found) <= 0.88
    assert smallest_difference(10, 0) is None
    assert smallest_difference(2, 2) is None
