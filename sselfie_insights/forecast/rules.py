"""Below which n nothing is said, and how that is put."""

from typing import Final

MIN_MEMBERSHIPS: Final = 50
"""Memberships that a survival model needs: with fewer its interval spans almost everything."""

MIN_LOSSES: Final = 10
"""Losses that a survival model needs: a handful for each of two parameters."""

MIN_MEMBERS: Final = 20
"""Members of a currency that a projection of its MRR needs."""

MIN_MONTHS: Final = 6
"""Settled months that new business and expansion are taken from, and the most recent ones used."""

MIN_RISK_LOSSES: Final = 60
"""Losses that the churn-risk model needs: ten for each of its six features."""

WIDEST: Final = 6.0
"""How many times the lower end of an interval its upper end may be; beyond it words stand there."""

SEED: Final = 20_070_101
"""Every simulation starts from it, so that the same inputs give the same numbers."""


def too_few(count: int, needs: int, what: str = "") -> str:
    """Return the refusal that stands in place of a number, e.g. ``too few: n = 12, needs 50``."""
    return f"too few: n = {count}, needs {needs}{' ' + what if what else ''}"


def too_wide(factor: float) -> str:
    """Return the refusal that stands in place of an interval whose ends are ``factor`` apart."""
    if factor > 1000:
        return "too few to tell: the interval holds almost everything"
    return f"too few to tell: the upper end of the interval is {factor:.0f} times the lower"
