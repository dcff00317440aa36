"""The 95 % interval of a share, as expressions of DuckDB's SQL."""

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
