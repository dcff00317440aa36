"""Hide what small groups would tell about the people in them."""

from dataclasses import replace

import polars as pl

from sselfie_insights.query.cells import SMALLEST_GROUP
from sselfie_insights.query.library import NUMERIC_UNITS
from sselfie_insights.query.run import Result


def suppress_small_groups(result: Result) -> Result:
    """Return ``result`` with the measures of groups of one to four people taken out.

    The row stays, with its key, names and flags; every renderer shows the small group's size as
    ``<5``. An empty group tells of nobody and stays 0.
    """
    if not result.group_sizes:
        return result
    is_small = {
        name: pl.col(name).is_between(1, SMALLEST_GROUP - 1).fill_null(value=False)
        for name in result.group_sizes
    }
    small = result.frame.select(pl.any_horizontal(is_small.values())).to_series()
    frame = result.frame.with_columns(
        pl.when(~is_small.get(name, small)).then(pl.col(name)).alias(name)
        for name, column in result.columns.items()
        if column.unit in NUMERIC_UNITS and name not in result.key
    )
    return replace(result, frame=frame, suppressed=tuple(small.to_list()))
