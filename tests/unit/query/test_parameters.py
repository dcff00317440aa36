from datetime import date
from pathlib import Path

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query.library import Query, load_query, parse_query
from sselfie_insights.query.parameters import check_values, fill_screen, split_words

TEXT = """/*
grain: One row per a.
title: T
description: D
key: [a]
parameters:
  grain: {type: choice, choices: [day, week], default: day, description: g}
  since: {type: date, description: s}
  until: {type: date, description: u}
  count: {type: integer, default: 7, minimum: 1, maximum: 90, description: c}
  brackets: {type: ranges, needs: {grain: week}, description: b}
columns:
  a: {unit: count, description: A.}
*/
select 1 as a
"""


@pytest.fixture
def query(tmp_path: Path) -> Query:
    path = tmp_path / "q.sql"
    path.write_text(TEXT)
    return parse_query("q", path)


def test_defaults_stand_in(query: Query) -> None:
    assert check_values(query, {}) == {
        "grain": "day", "since": None, "until": None, "count": 7, "brackets": None,
    }  # fmt: skip


def test_values_get_their_types(query: Query) -> None:
    given = {
        "grain": "week", "since": "2026-01-31", "until": "2026-01-31", "count": "30",
        "brackets": "1-3,7,01-3,5-5,7",
    }  # fmt: skip
    assert check_values(query, given) == {
        "grain": "week", "since": date(2026, 1, 31), "until": date(2026, 1, 31), "count": 30,
        "brackets": "1-3,7,5",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"grain": "wek"}, "cannot be 'wek'; did you mean 'week'.*choices: day, week"),
        ({"since": "31.1.2026"}, "cannot be '31.1.2026': write a date"),
        ({"count": "x"}, "cannot be 'x': write a whole number"),
        ({"count": "0"}, "cannot be 0: bounds: 1…90"),
        *(
            ({"grain": "week", "brackets": text}, f"'brackets' cannot be '{text}': write ranges")
            for text in ("1-3; drop table x", "", "1-3,", "0,5-3", "-1", "1-2-3", "123456", "٣")
        ),
        ({"brackets": "1-3"}, "'brackets' needs grain=week: add -p grain=week"),
        ({"grain": "day", "brackets": "1-3"}, "'brackets' needs grain=week"),
        (
            {"since": "2026-02-01", "until": "2026-01-31"},
            "since 2026-02-01 is after until 2026-01-31: swap",
        ),
        ({"gran": "day"}, "no parameter 'gran'; did you mean 'grain'"),
    ],
)
def test_a_wrong_value_is_told(query: Query, given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_values(query, given)


def test_words_are_split_at_the_first_equals_sign() -> None:
    assert split_words(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize("words", [["grain"], ["=1"], ["a=1", "a=2"]])
def test_a_word_that_is_no_parameter_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        split_words(words)


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({"grain": "day"}, {"periods": "18"}),
        ({"periods": "400"}, {}),
        ({"mode": "bracket"}, {}),  # which says itself what is shown
    ],
)
def test_a_screen_is_filled_with_what_fits_unless_somebody_says_more(
    given: dict[str, str], added: dict[str, str]
) -> None:
    assert fill_screen(load_query("retention/activity_cohorts"), given) == added


def test_what_has_no_screenful_stays_as_it_is() -> None:
    assert fill_screen(load_query("churn/churn_by_month"), {}) == {}
