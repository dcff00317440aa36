"""Take a change apart: rows of people in, parts that add up exactly out."""

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
        least: Parts of fewer people, or whose change is that of fewer, are put together, with the
            next larger one where they are still too few. 1 puts none together.

    Returns:
        One row per part: part, before, after, change, person_count.
    """
    label = pl.lit(WHOLE) if dimension == WHOLE else pl.col(dimension).fill_null("(none)")
    people = rows.group_by(label.alias("part"), "customer_key").agg(pl.col("before", "after").sum())
    if least > 1:
        people = people.with_columns(_join_small(people, least))
    parts = _sum_up(people).sort([pl.col("change").abs(), pl.col("part")], descending=[True, False])
    if first is None or parts.height <= first:
        return parts
    kept, cut = parts.head(first), parts.tail(parts.height - first)
    cut_names = set(cut["part"])
    rest = people.filter(pl.col("part").is_in(cut_names)).with_columns(
        pl.lit(f"{cut.height} others").alias("part")
    )
    return pl.concat([kept, _sum_up(rest)])


def _sum_up(people: pl.DataFrame) -> pl.DataFrame:
    return people.group_by("part").agg(
        pl.col("before").sum(),
        pl.col("after").sum(),
        (pl.col("after") - pl.col("before")).sum().alias("change"),
        pl.col("customer_key").n_unique().cast(pl.Int64).alias("person_count"),
    )


def _join_small(people: pl.DataFrame, least: int) -> pl.Series:
    """The part of each row, the smallest parts under one name until they are many enough.

    A part's size is the smaller of its people and those of them whose value changed; where nobody's
    did there is no change to report, and its people count.
    """
    moved = (pl.col("before") != pl.col("after")).sum()
    sizes = (
        people.group_by("part")
        .agg(pl.when(moved > 0).then(moved).otherwise(pl.len()).alias("size"))
        .sort("size", "part")
    )
    small: set[str] = set()
    total = 0
    for part, size in sizes.iter_rows():
        if size >= least and (total == 0 or total >= least):
            break
        small.add(part)
        total += size
    name = f"{len(small)} {SMALL}"
    return people["part"].replace(dict.fromkeys(small, name)) if len(small) > 1 else people["part"]
