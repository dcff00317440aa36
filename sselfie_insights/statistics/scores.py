"""How good predictions were."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sselfie_insights.statistics.intervals import wilson

Array = NDArray[np.float64]


def brier(predicted: ArrayLike, happened: ArrayLike) -> float:
    """Return the mean squared difference of probability and outcome; 0 is perfect.

    Brier (1950), Verification of forecasts expressed in terms of probability.
    """
    return float(np.mean((np.asarray(predicted, float) - np.asarray(happened, float)) ** 2))


def top_share(predicted: ArrayLike, happened: ArrayLike, share: float = 0.1) -> float:
    """Return which part of all outcomes fell on the ``share`` of rows with the highest prediction.

    Equal predictions at the edge count by the part of them that fits, so that the order of rows
    decides nothing. NaN where nothing happened.
    """
    scores, events = np.asarray(predicted, float), np.asarray(happened, float)
    if events.sum() == 0:
        return float("nan")
    wanted = share * scores.size
    edge = np.sort(scores)[::-1][min(int(np.ceil(wanted)), scores.size) - 1]
    above, on_edge = scores > edge, scores == edge
    part = (wanted - above.sum()) / on_edge.sum()
    return float((events[above].sum() + part * events[on_edge].sum()) / events.sum())


@dataclass(frozen=True)
class CalibrationBin:
    """Rows with like predictions: what was predicted, and what happened.

    Attributes:
        count: Rows.
        predicted: The mean prediction.
        happened: How many outcomes there were.
        rate: Their share.
        low: Lower end of its 95 % Wilson interval.
        high: Upper end of it.
        is_inside: Which rows they are, shape (n,).
    """

    count: int
    predicted: float
    happened: int
    rate: float
    low: float
    high: float
    is_inside: NDArray[np.bool_]


def calibrate_bins(
    predicted: ArrayLike, happened: ArrayLike, bins: int = 10
) -> list[CalibrationBin]:
    """Return ``bins`` groups of about equal size, lowest predictions first.

    Equal predictions stay together, so there may be fewer groups than asked for.
    """
    scores, events = np.asarray(predicted, float), np.asarray(happened, bool)
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1]))
    group = np.searchsorted(edges, scores, side="left")
    found = []
    for number in np.unique(group):
        inside = group == number
        count, outcomes = int(inside.sum()), int(events[inside].sum())
        low, high = wilson(outcomes, count)
        found.append(
            CalibrationBin(
                count,
                float(scores[inside].mean()),
                outcomes,
                outcomes / count,
                float(low),
                float(high),
                inside,
            )
        )
    return found
