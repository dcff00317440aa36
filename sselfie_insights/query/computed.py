"""Queries that SQL alone cannot answer: the header says ``computed: <name>``, Python does the work.

They are queries like any other: documented, exported, shown in reports. A file cannot name code of
its own, only one of these functions.
"""

from pathlib import Path

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.query.library import Compute


def find_compute(computed: str | Compute, path: Path) -> Compute:
    """Return the function that works out a query's rows.

    Raises:
        UsageError: ``path`` names a function that does not exist.
    """
    if callable(computed):
        return computed
    from sselfie_insights.alerts import compute_alerts
    from sselfie_insights.segment import compute_effect, compute_overlaps, compute_sizes

    known: dict[str, Compute] = {
        "alerts": compute_alerts,
        "segment_effect": compute_effect,
        "segment_overlaps": compute_overlaps,
        "segment_sizes": compute_sizes,
    }
    if computed not in known:
        raise UsageError(
            f"{path}: computed: there is no {computed!r}{nearest(computed, known)}",
            remedy=f"known: {', '.join(known)}",
        )
    return known[computed]
