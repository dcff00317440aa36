"""When a number has left its usual course: seasonal-naive residuals on the scale of their MAD.

The seasonal-naive forecast is that of Hyndman and Athanasopoulos, Forecasting: principles and
practice (3rd ed.), section 5.2, its reference the median of several earlier seasons instead of the
last one alone, so that a shock does not come back as its own echo. Residuals are judged by the
modified z-score of Iglewicz and Hoaglin (1993), How to detect and handle outliers, which no outlier
moves; the MAD is scaled by 1.4826, so that of normal noise it is the standard deviation.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# Scales the MAD of normal noise to its standard deviation: 1 / the normal's third quartile.
MAD_SCALE = 1.4826
# Seasons before the first residual, and residuals before the first judgement.
FIRST_SEASONS = 3
LEAST_RESIDUALS = 12


def score_series(
    values: ArrayLike, *, season: int = 1, seasons: int = 8
) -> tuple[Array, Array, Array]:
    """Return how far each value is from its usual course, that course, and the scale.

    Every value is judged by what came before it alone, so that scores of a history are those that
    were given at the time. A missing value (NaN) has no score and is no part of the reference.

    Args:
        values: Shape (..., t), equally spaced in time.
        season: Periods of a season.
        seasons: How many earlier seasons make the reference, their median; 1 is the plain
            seasonal-naive forecast, for what grows.

    Returns:
        Scores, expected values and scaled MADs, each of the shape of ``values``. NaN where history
        is too short, or where the MAD is 0 and any change would be infinitely far.
    """
    x = np.asarray(values, float)
    residuals = np.full(x.shape, np.nan)
    references = np.full(x.shape, np.nan)
    scores, expected, scales = (np.full(x.shape, np.nan) for _ in range(3))
    needed = min(seasons, FIRST_SEASONS)
    for t in range(needed * season, x.shape[-1]):
        back = range(season, min(seasons, t // season) * season + 1, season)
        references[..., t] = _median(np.stack([x[..., t - lag] for lag in back], axis=-1))
        residuals[..., t] = x[..., t] - references[..., t]
        known = residuals[..., needed * season : t]
        if known.shape[-1] < LEAST_RESIDUALS:
            continue
        centre = _median(known)
        scale = MAD_SCALE * _median(np.abs(known - centre[..., None]))
        is_enough = np.sum(~np.isnan(known), axis=-1) >= LEAST_RESIDUALS
        scale = np.where(is_enough & (scale > 0), scale, np.nan)
        expected[..., t] = references[..., t] + centre
        scales[..., t] = scale
        scores[..., t] = (x[..., t] - expected[..., t]) / scale
    return scores, expected, scales


def _median(values: Array) -> Array:
    """The median along the last axis; NaN only where nothing is known."""
    ordered = np.sort(values, axis=-1)  # NaN comes last
    count = np.sum(~np.isnan(values), axis=-1)
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    middle = [np.take_along_axis(ordered, at[..., None], -1)[..., 0] for at in (low, high)]
    median: Array = (middle[0] + middle[1]) / 2
    return median
