"""Cohorts that came back more, or less, than the others lead to expect."""

from collections.abc import Mapping, Sequence
from math import hypot
from statistics import NormalDist
from typing import Any

from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.result import Result
from sselfie_insights.statistics.shares import score_interval

# How often chance alone may mark any cohort of a grid.
_CHANCE = 0.05

Row = Mapping[str, Any]


def find_unusual(rows: Sequence[Row], result: Result) -> dict[Any, tuple[str, str]]:
    """Return the cohorts outside of what the others lead to expect, by their first period.

    Each is held once against all others together, at its latest complete period for which the
    others are at least as many people. Its share differs where the interval of the difference
    (Newcombe's method 10), at a level that allows for the number of cohorts (Bonferroni), excludes
    zero.

    Args:
        rows: Cells of ``result``, one a cohort and period; those with hidden numbers are left out.
        result: What they are of.

    Returns:
        By cohort, ``higher`` or ``lower``, and why in words.
    """
    cells: dict[Any, dict[int, tuple[int, int]]] = {}
    for row in rows:
        if row["is_complete"] and row["at_risk_count"] and row["retained_count"] is not None:
            at = cells.setdefault(row["cohort_period"], {})
            at[row["period_index"]] = row["retained_count"], row["at_risk_count"]
    compared = {}
    for cohort, own in cells.items():
        for index in sorted(own, reverse=True):
            others = [at[index] for key, at in cells.items() if key != cohort and index in at]
            if index and sum(n for _, n in others) >= own[index][1]:
                compared[cohort] = index, own[index], tuple(map(sum, zip(*others, strict=True)))
                break
    found = {}
    for cohort, (index, (kept, n), (others_kept, others_n)) in compared.items():
        z = NormalDist().inv_cdf(1 - _CHANCE / len(compared) / 2)
        share, other = kept / n, others_kept / others_n
        low, high = score_interval(share, float(n), z)
        other_low, other_high = score_interval(other, float(others_n), z)
        difference = share - other
        is_lower = difference + hypot(high - share, other - other_low) < 0
        is_higher = difference - hypot(share - low, other_high - other) > 0
        if is_lower or is_higher:
            label = write_cell(cohort, result.columns["cohort_period"].unit, in_words=True)
            words = f"{label} ({index}: {share:.0%} of {n:,}, the others {other:.0%})"
            found[cohort] = "lower" if is_lower else "higher", words
    return found


def describe_unusual(found: Mapping[Any, tuple[str, str]], *, is_judged: bool) -> str:
    """Return in words which cohorts stand out; nothing where none could be judged."""
    if not is_judged:
        return ""
    if not found:
        return "No cohort is outside the range that the others lead to expect."
    sentences = []
    for kind in ("lower", "higher"):
        named = [words for which, words in found.values() if which == kind]
        if named:
            sentences.append(
                f"{kind.title()} than the others lead to expect, beyond chance: {', '.join(named)}."
            )
    return " ".join(sentences)
