"""The 95 % interval of a share in plain arithmetic, Python's and SQL's: SciPy takes a second."""

from typing import TYPE_CHECKING, Final, TypeVar

from sselfie_insights.sql import literal

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


def share_interval_sql(share: str, n: str, name: str) -> tuple[str, str]:
    """Return ``share_interval`` as two expressions of DuckDB's SQL.

    Args:
        share: The share's expression, of type double.
        n: The expression of what it is of, of type double.
        name: What an error calls the share that does not lie between 0 and 1.
    """
    z, z2 = f"{Z_95}e0", f"{Z_95**2}e0"
    middle = f"{share} + {z2} / (2 * {n})"
    half = f"{z} * sqrt({share} * (1 - {share}) / {n} + {z2} / (4 * {n} * {n}))"
    refused = literal(f"{name} is a share, which lies between 0 and 1")
    low, high = (
        f"case when {share} is null or coalesce({n}, 0) = 0 then null"
        f" when {share} not between 0 and 1 then error({refused})"
        f" when {share} = {limit} then {limit}"
        f" else ({middle} {sign} {half}) / (1 + {z2} / {n}) end"
        for sign, limit in (("-", 0), ("+", 1))
    )
    return low, high
