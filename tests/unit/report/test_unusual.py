"""Cohorts that stand out: the intervals are worked out by hand, for three cohorts at one level."""

import random
from datetime import date
from typing import Any

import pytest

from sselfie_insights.query.header import Column
from sselfie_insights.query.result import Result
from sselfie_insights.report.unusual import describe_unusual, find_unusual

RESULT = Result(
    "q", [], {"cohort_period": Column(unit="month", description="")}, (), (), {}, None
)  # fmt: skip


def cohort(month: int, n: int, *kept: int | None, complete: bool = True) -> list[dict[str, Any]]:
    return [
        {
            "cohort_period": date(2026, month, 1), "period_index": index, "at_risk_count": n,
            "retained_count": count, "is_complete": complete,
        }
        for index, count in enumerate(kept)
    ]  # fmt: skip


def judge(*cohorts: list[dict[str, Any]]) -> dict[int, str]:
    found = find_unusual([row for rows in cohorts for row in rows], RESULT)
    return {day.month: kind for day, (kind, _) in found.items()}


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        # Against 140 of 200, at z = 2.394 for three cohorts: 0.40 is 0.30 lower, at least 0.113 by
        # Newcombe; 0.54 is 0.16 lower, or 0.016 higher; 0.96 is 0.26 higher, at least 0.115.
        (20, {3: "lower"}),
        (27, {}),
        (48, {3: "higher"}),
    ],
)
def test_a_cohort_stands_out_where_chance_does_not_explain_it(
    kept: int, expected: dict[int, str]
) -> None:
    others = [cohort(1, 100, 100, 70), cohort(2, 100, 100, 70)]
    found = judge(*others, cohort(3, 50, 50, kept))
    assert {month: kind for month, kind in found.items() if month == 3} == expected


def test_the_words_name_the_period_and_both_shares() -> None:
    rows = [*cohort(1, 100, 100, 70), *cohort(2, 100, 100, 70), *cohort(3, 50, 50, 20)]
    found = {day: why for day, why in find_unusual(rows, RESULT).items() if day.month == 3}
    assert describe_unusual(found, is_judged=True) == (
        "Lower than the others lead to expect, beyond chance: Mar 2026 (1: 40% of 50, the others"
        " 70%)."
    )
    expected = "No cohort is outside the range that the others lead to expect."
    assert describe_unusual({}, is_judged=True) == expected
    assert describe_unusual({}, is_judged=False) == ""


def test_what_runs_is_hidden_or_has_no_others_is_not_judged() -> None:
    others = [cohort(1, 100, 100, 70), cohort(2, 100, 100, 70)]
    assert judge(*others, cohort(3, 50, 50, 5, complete=False)) == {}
    assert judge(*others, cohort(3, 50, None, None)) == {}
    # In period 2 nobody else is: period 1 is compared, in which it is as the others.
    assert judge(*others, cohort(3, 50, 50, 35, 1)) == {}
    assert judge(cohort(1, 100, 100, 70)) == {}


def test_chance_alone_marks_a_cohort_in_about_one_grid_of_twenty() -> None:
    draw = random.Random(4)
    grids = 600
    marked = 0
    for _ in range(grids):
        cohorts = []
        for month in range(1, 13):
            n = draw.randrange(15, 60)
            kept = sum(draw.random() < 0.7 for _ in range(n))
            cohorts.append(cohort(month, n, n, kept))
        marked += bool(judge(*cohorts))
    # 5 % of 600 are 30; four standard deviations of a binomial are 21.
    assert marked <= 51
