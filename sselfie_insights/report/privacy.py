"""Hide what small groups would reveal about the people in them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from sselfie_insights.query.cells import HIDDEN, SMALLEST_GROUP, SUPPRESSED
from sselfie_insights.query.header import IN_MEAN, MEAN, NUMERIC_UNITS, PERIOD_UNITS
from sselfie_insights.query.run import Result

_ROW, _SIZE, _COUNT, _MARK, _WHOLE = "_row", "_size", "_count", "_mark", "_whole"
_TIME, _AT = "_time", "_at"


def suppress_small_groups(result: Result) -> Result:
    """Return ``result`` with the measures of groups of one to four people taken out.

    The row stays, with its key, names and flags; every renderer shows the small group's size as
    ``<5``. Where the rows add up to a known whole, so that what is missing from it would reveal
    fewer than five people, the next larger group is taken out too, its size shown as ``hidden``.
    Rows that are about the same people (``group``) are hidden together. What a column's ``of``
    counts can be too few by itself: then that cell goes. An empty group reveals nobody and stays 0.
    A mean stays unless a hidden group could be worked out from it.
    """
    if not result.group_sizes:
        return result
    is_small = {name: _is_small(name) for name in result.group_sizes}
    small = result.frame.select(pl.any_horizontal(is_small.values())).to_series()
    marks = _mark_rows(result, small)
    if MEAN in result.columns:
        marks = _mark_means(result, marks)
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


def _write_time(result: Result) -> pl.Expr:
    """The day of the period that names a row's people, as a number; 0 where none does."""
    periods = [name for name in result.group if result.columns[name].unit in PERIOD_UNITS]
    return pl.col(periods[0]).to_physical() if periods else pl.lit(0)


def _mark_rows(result: Result, small: pl.Series) -> pl.Series:
    """Return what stands for the size of each row that is not shown, and nothing for the others.

    Hiding a row for the sake of one whole can leave another with too few, hence the loop; it ends
    because every turn hides a row.
    """
    rows = result.frame.select(
        *dict.fromkeys(name for names in (result.group, *result.part_of) for name in names),
        pl.col(result.group_sizes[0]).alias(_SIZE),
        pl.when(small).then(pl.lit(SUPPRESSED)).otherwise(pl.lit("")).alias(_MARK),
        pl.lit(0).alias(_WHOLE),
        _write_time(result).alias(_TIME),
    ).with_row_index(_ROW)
    every = rows
    if result.group:
        groups = rows.filter(~result.frame[MEAN]) if MEAN in result.columns else rows
        # A group is small where any of its rows is.
        rows = groups.group_by(result.group, maintain_order=True).agg(
            pl.col(_SIZE, _MARK).max(), pl.col(_WHOLE, _TIME, _ROW).first()
        )
    is_settled = not small.any()
    while not is_settled:
        is_settled = True
        for whole in result.part_of:
            by = [_WHOLE, *whole]
            missing = rows.filter(pl.col(_MARK) != "").group_by(by)
            sums = missing.agg(
                pl.col(_SIZE).sum(), pl.len().alias(_COUNT), pl.col(_TIME).first().alias(_AT)
            )
            # A single row is known from the whole, and a whole of its own would reveal another.
            open_wholes = sums.filter((pl.col(_SIZE) < SMALLEST_GROUP) | (pl.col(_COUNT) == 1))
            chosen = (
                rows.filter(pl.col(_MARK) == "", pl.col(_SIZE) > 0)
                .join(open_wholes.select(*by, _AT), on=by, nulls_equal=True)
                # Of cohorts one near in time, so that both are in the same means.
                .sort((pl.col(_TIME) - pl.col(_AT)).abs(), _SIZE, _ROW)
                .unique(by, keep="first")
            )
            if chosen.height:
                is_settled = False
                is_chosen = pl.col(_ROW).is_in(chosen[_ROW].implode())
                rows = rows.with_columns(
                    pl.when(is_chosen).then(pl.lit(HIDDEN)).otherwise(_MARK).alias(_MARK)
                )
    if not result.group:
        return rows[_MARK]
    joined = every.join(
        rows.select(*result.group, pl.col(_MARK).alias("_group_mark")),
        on=result.group, how="left", nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    return joined.select(pl.coalesce("_group_mark", _MARK))["_group_mark"]


def _mark_means(result: Result, marks: pl.Series) -> pl.Series:
    """Return ``marks`` with those of the means from which a hidden group could be worked out.

    What a mean rests on, without the groups that are shown, is the sum of its hidden ones. That
    must not be one group or fewer than five people; nor may what is left of it when another mean
    of the same groups is taken off, or the other means of its period are from their whole.
    """
    names = [name for name in result.key if name not in result.group]
    over = [name for name in result.group if result.columns[name].unit not in PERIOD_UNITS]
    hidden: dict[tuple[Any, tuple[Any, ...]], dict[Any, int]] = {}
    means: dict[tuple[Any, tuple[Any, ...]], int] = {}
    counts: Counter[tuple[Any, tuple[Any, ...]]] = Counter()
    size = result.group_sizes[0]
    columns = [*result.key, size, MEAN, IN_MEAN]
    for place, (row, mark) in enumerate(
        zip(result.frame.select(columns).iter_rows(named=True), marks, strict=True)
    ):
        at = tuple(row[name] for name in over), tuple(row[name] for name in names)
        if row[MEAN]:
            means[at] = place
        elif row[IN_MEAN]:
            counts[at] += 1
            if mark:
                hidden.setdefault(at, {})[tuple(row[name] for name in result.group)] = row[size]
    final = marks.to_list()
    for series in {at[0] for at in hidden}:
        shown: dict[Any, int] | None = None
        # The later the period, the fewer the groups; each mean's are among those of the one before.
        order = sorted((at for at in means if at[0] == series), key=lambda at: -counts[at])
        for at in order:
            here = hidden.get(at, {})
            left = {key: n for key, n in (shown or {}).items() if key not in here}
            if _reveals(here) or _reveals(left):
                final[means[at]] = HIDDEN
            elif not final[means[at]]:
                shown = here
    for period in {at[1] for at in hidden}:
        row_places = {at[0]: means[at] for at in means if at[1] == period}
        while True:
            gone = [series for series, place in row_places.items() if final[place]]
            parts = {
                key: n for series in gone for key, n in hidden.get((series, period), {}).items()
            }
            others = [series for series in row_places if series not in gone]
            if not (_reveals(parts) or len(gone) == 1) or not others:
                break
            final[row_places[min(others, key=lambda one: (counts[one, period], str(one)))]] = HIDDEN
    return pl.Series(final, dtype=pl.String)


def _reveals(groups: Mapping[Any, int]) -> bool:
    """Whether the sum over these groups, if there are any, is about one or about too few people."""
    return len(groups) == 1 or 0 < sum(groups.values()) < SMALLEST_GROUP
