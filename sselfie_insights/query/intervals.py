"""The 95 % intervals of a share and of a difference of two, as expressions of DuckDB's SQL."""

from sselfie_insights.sql import literal
from sselfie_insights.statistics.shares import Z_95


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


def difference_interval_sql(
    share_a: str, n_a: str, share_b: str, n_b: str, name: str
) -> tuple[str, str]:
    """Return the ends of ``statistics.intervals.newcombe`` as two expressions of DuckDB's SQL.

    Args:
        share_a: The first share's expression, of type double.
        n_a: The expression of what it is of, of type double.
        share_b: The same of the second.
        n_b: The same of the second.
        name: What an error calls a share that does not lie between 0 and 1.
    """
    low_a, high_a = share_interval_sql(share_a, n_a, name)
    low_b, high_b = share_interval_sql(share_b, n_b, name)
    below = f"sqrt(pow({share_a} - ({low_a}), 2) + pow(({high_b}) - {share_b}, 2))"
    above = f"sqrt(pow(({high_a}) - {share_a}, 2) + pow({share_b} - ({low_b}), 2))"
    return f"{share_a} - {share_b} - {below}", f"{share_a} - {share_b} + {above}"
