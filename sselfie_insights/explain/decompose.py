"""Take a change apart: rows of people in, parts that add up exactly out."""

from collections.abc import Iterable

import polars as pl

SMALL = "small groups together"
WHOLE = "whole"


def decompose(
    rows: pl.DataFrame, dimension: str, *, first: int | None = None, least: int = 1
) -> pl.DataFrame:
    """Return the parts of a change by one column, the largest change first.

    Everything is in whole cents or whole persons, so the parts add up to the whole without a
    remainder; what is cut off stands in a last row.

    Args:
        rows: One row per person and whatever else, with ``customer_key``, ``before``, ``after``
            (Int64) and the column.
        dimension: The column to go by; ``whole`` puts all rows into one part.
        first: Parts to keep; the others become one. None keeps all.
        least: Parts are put together, with the next larger one where they are still too few, of
            whom fewer people had a value in the month before, have one in the month, or changed
            it. 1 puts none together.

    Returns:
        One row per part: part, before, after, change, and person_count: its people, or of those
        three groups the one with fewer than ``least``, where all parts together are too small.
    """
    label = pl.lit(WHOLE) if dimension == WHOLE else pl.col(dimension).fill_null("(none)")
    people = rows.group_by(label.alias("part"), "customer_key").agg(pl.col("before", "after").sum())
    if least > 1:
        people = people.with_columns(_join_small(people, least))
    parts = _sum_up(people, least).sort(
        [pl.col("change").abs(), pl.col("part")], descending=[True, False]
    )
    if first is None or parts.height <= first:
        return parts
    kept, cut = parts.head(first), parts.tail(parts.height - first)
    cut_names = set(cut["part"])
    rest = people.filter(pl.col("part").is_in(cut_names)).with_columns(
        pl.lit(f"{cut.height} others").alias("part")
    )
    return pl.concat([kept, _sum_up(rest, least)])


def _sum_up(people: pl.DataFrame, least: int) -> pl.DataFrame:
    """Return one row per part of ``people``, as ``decompose`` does."""
    counted = people.group_by("part").agg(
        pl.col("before").sum(),
        pl.col("after").sum(),
        (pl.col("after") - pl.col("before")).sum().alias("change"),
        pl.col("customer_key").n_unique().cast(pl.Int64).alias("person_count"),
        *_SIZES,
    )
    fewest = _fewest(pl.col(name) for name in _GROUPS)
    is_few = (fewest < least).fill_null(value=False)
    count = pl.when(is_few).then(fewest).otherwise(pl.col("person_count")).alias("person_count")
    return counted.with_columns(count).drop(_GROUPS)


_GROUPS = ("before_count", "after_count", "moved_count")
_SIZES = (
    (pl.col("before") != 0).sum().cast(pl.Int64).alias("before_count"),
    (pl.col("after") != 0).sum().cast(pl.Int64).alias("after_count"),
    (pl.col("before") != pl.col("after")).sum().cast(pl.Int64).alias("moved_count"),
)
"""The groups of people whom the numbers of a part are about: each is of its own month's."""


def _fewest(counts: Iterable[pl.Expr]) -> pl.Expr:
    """The smallest of some counts that are not 0; null where all are."""
    return pl.min_horizontal(pl.when(count > 0).then(count) for count in counts)


def _join_small(people: pl.DataFrame, least: int) -> pl.Series:
    """The part of each row, the smallest parts under one name until they are many enough.

    A part is as small as the smallest of its groups: those who had a value in the month before,
    those who have one in the month, and those whose value changed.
    """
    groups = people.group_by("part").agg(*_SIZES)
    groups = groups.with_columns(_fewest(pl.col(name) for name in _GROUPS).alias("size"))
    small: set[str] = set()
    total = [0] * len(_GROUPS)
    for part, *counts, size in groups.sort("size", "part", nulls_last=True).iter_rows():
        if (size is None or size >= least) and all(n == 0 or n >= least for n in total):
            break
        small.add(part)
        total = [n + count for n, count in zip(total, counts, strict=True)]
    name = f"{len(small)} {SMALL}"
    return people["part"].replace(dict.fromkeys(small, name)) if len(small) > 1 else people["part"]
