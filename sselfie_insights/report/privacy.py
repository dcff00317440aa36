"""Hide what small groups would reveal about the people in them."""

from dataclasses import replace

import polars as pl

from sselfie_insights.query.cells import HIDDEN, SMALLEST_GROUP, SUPPRESSED
from sselfie_insights.query.header import NUMERIC_UNITS
from sselfie_insights.query.run import Result

_ROW, _SIZE, _COUNT, _MARK, _WHOLE = "_row", "_size", "_count", "_mark", "_whole"


def suppress_small_groups(result: Result) -> Result:
    """Return ``result`` with the measures of groups of one to four people taken out.

    The row stays, with its key, names and flags; every renderer shows the small group's size as
    ``<5``. Where the rows add up to a known whole, so that what is missing from it would reveal
    fewer than five people, the next larger group is taken out too, its size shown as ``hidden``.
    What a column's ``of`` counts can be too few by itself: then that cell goes. An empty group
    reveals nobody and stays 0.
    """
    if not result.group_sizes:
        return result
    is_small = {name: _is_small(name) for name in result.group_sizes}
    small = result.frame.select(pl.any_horizontal(is_small.values())).to_series()
    marks = _mark_rows(result, small)
    hidden, shown = pl.lit(marks == HIDDEN), pl.lit(marks == "")
    kept = {
        name: ~(is_small[name] | hidden)
        if name in is_small
        else shown & ~_is_small(column.of)
        if column.of
        else shown
        for name, column in result.columns.items()
        if (column.unit in NUMERIC_UNITS or column.of) and name not in result.key
    }
    frame = result.frame.with_columns(
        pl.when(is_kept).then(pl.col(name)).alias(name) for name, is_kept in kept.items()
    )
    return replace(result, data=frame, suppressed=tuple(marks.to_list()))


def _is_small(name: str) -> pl.Expr:
    return pl.col(name).is_between(1, SMALLEST_GROUP - 1).fill_null(value=False)


def _mark_rows(result: Result, small: pl.Series) -> pl.Series:
    """Return what stands for the size of each row that is not shown, and nothing for the others.

    Hiding a row for the sake of one whole can leave another with too few, hence the loop; it ends
    because every turn hides a row.
    """
    rows = result.frame.select(
        *dict.fromkeys(name for whole in result.part_of for name in whole),
        pl.col(result.group_sizes[0]).alias(_SIZE),
        pl.when(small).then(pl.lit(SUPPRESSED)).otherwise(pl.lit("")).alias(_MARK),
        pl.lit(0).alias(_WHOLE),
    ).with_row_index(_ROW)
    is_settled = not small.any()
    while not is_settled:
        is_settled = True
        for whole in result.part_of:
            by = [_WHOLE, *whole]
            missing = rows.filter(pl.col(_MARK) != "").group_by(by)
            sums = missing.agg(pl.col(_SIZE).sum(), pl.len().alias(_COUNT))
            # A single row is known from the whole, and a whole of its own would reveal another.
            open_wholes = sums.filter((pl.col(_SIZE) < SMALLEST_GROUP) | (pl.col(_COUNT) == 1))
            chosen = (
                rows.filter(pl.col(_MARK) == "", pl.col(_SIZE) > 0)
                .join(open_wholes, on=by, how="semi", nulls_equal=True)
                .sort(_SIZE, _ROW)
                .unique(by, keep="first")
            )
            if chosen.height:
                is_settled = False
                is_chosen = pl.col(_ROW).is_in(chosen[_ROW].implode())
                rows = rows.with_columns(
                    pl.when(is_chosen).then(pl.lit(HIDDEN)).otherwise(_MARK).alias(_MARK)
                )
    return rows[_MARK]
