"""Bands that are as wide as their own past says they must be."""

from math import ceil
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_LEAST_SCORES: Final = 20  # With fewer the 95th percentile is the largest of them, or nearly.


def score_bands(low: ArrayLike, middle: ArrayLike, high: ArrayLike, actual: ArrayLike) -> Array:
    """Return how far each actual lay from the middle of its band: 1 is the band's end.

    Distances are those of logarithms, as the bands are of money; below 1 counts as 1.
    """
    below, centre, above, came = (
        np.log(np.maximum(np.asarray(each, float), 1.0)) for each in (low, middle, high, actual)
    )
    reach = np.where(came > centre, above - centre, centre - below)
    return np.asarray(np.abs(came - centre) / np.maximum(reach, 1e-9))


def stretch_by(scores: ArrayLike, level: float = 0.95) -> float:
    """Return by what a band is stretched, at least 1.

    Split conformal prediction: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018),
    Distribution-free predictive inference for regression, algorithm 2: the quantile of the scores
    of past bands, with one more taken for the band to come. Past bands overlap, so the guarantee
    for exchangeable ones holds only roughly.
    """
    past = np.sort(np.asarray(scores, float))
    if past.size < _LEAST_SCORES:
        return 1.0
    place = min(ceil((past.size + 1) * level), past.size) - 1
    return max(1.0, float(past[place]))


def stretch(values: Array, middle: ArrayLike, factor: float) -> Array:
    """Return ``values`` of at least 0 with their distance from ``middle`` multiplied, in logs."""
    centre = np.maximum(np.asarray(middle, float), 1.0)
    moved = centre * (np.maximum(values, 1.0) / centre) ** factor
    return np.asarray(np.where(values == middle, values, moved))
