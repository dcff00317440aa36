"""Hide what small groups would tell about the people in them."""

from dataclasses import replace

import polars as pl

from sselfie_insights.query.cells import SMALLEST_GROUP
from sselfie_insights.query.run import Result


def suppress_small_groups(result: Result) -> Result:
    """Return ``result`` with the measures of groups of one to four people taken out.

    The row stays, with its key and whether its period is complete; every renderer shows its
    group size as ``<5``. An empty group tells of nobody and stays 0.
    """
    size = result.group_size
    if size is None:
        return result
    small = (
        result.frame[size].is_between(1, SMALLEST_GROUP - 1).fill_null(value=False).alias("small")
    )
    kept = {*result.key, "is_complete", "period_label"}
    frame = result.frame.with_columns(
        pl.when(~small).then(pl.col(name)).alias(name)
        for name in result.columns
        if name not in kept
    )
    return replace(result, frame=frame, suppressed=tuple(small.to_list()))
