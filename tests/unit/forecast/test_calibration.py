"""A small seeded part of `python -m tests.bench calibration`, which measures 400 worlds of each."""

import numpy as np
import pytest

from tests.bench import worlds
from tests.bench.calibration import list_impossible, measure

BANDS = 9  # three horizons and one, of two scopes, and the value of a new member


@pytest.mark.parametrize(
    "world", [worlds.first_renewal, worlds.better_cohorts, worlds.rise_to_come]
)
def test_bands_hold_what_comes_in_a_world_that_the_model_claims(world: object) -> None:
    """Eight businesses, nine bands each: of 72 the truth lies in 62 or more of the 95 % bands.

    Bands of one business move together; the plain model before held 10 to 40 of them.
    """
    found = list(measure(world, 8))  # type: ignore[arg-type]
    held = sum(share * many for name, share, many in found if "backtest" not in name)
    said = sum(many for name, _, many in found if "backtest" not in name)
    assert said > 8 * BANDS * 0.8
    assert held / said >= 0.86


@pytest.mark.parametrize("begin", [0, 20])
def test_no_small_business_gets_an_impossible_number(begin: int) -> None:
    for number in range(begin, begin + 20):
        world = worlds.small_business(np.random.default_rng([number, 99]))
        assert list_impossible(world) == [], number
