"""The 95 % interval of a share in plain arithmetic, without SciPy, whose import takes a second."""

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T", float, "NDArray[np.float64]")

Z_95: Final = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


def score_interval(share: T, n: T, z: float = Z_95) -> tuple[T, T]:
    """Return the lower and upper ends of Wilson's score interval for ``share`` of ``n``.

    Wilson (1927), Probable inference, the law of succession, and statistical inference; the form
    of Brown, Cai and DasGupta (2001), equation 4. Where the share is 0 or 1, the end beside it is
    that only up to a rounding error.

    Args:
        share: From 0 to 1; a number or an array of them.
        n: What the share is of, above 0; of the same shape.
        z: The normal quantile of the level.
    """
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5 / (1 + z**2 / n)
    return middle - half, middle + half


def share_interval(share: float | None, n: int | None) -> tuple[float | None, float | None]:
    """Return the ends of the 95 % interval, from 0 to 1; None of a share that is not known."""
    if share is None or not n:
        return None, None
    low, high = score_interval(share, float(n))
    return 0.0 if share == 0 else low, 1.0 if share == 1 else high
