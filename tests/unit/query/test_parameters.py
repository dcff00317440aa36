from datetime import date
from pathlib import Path

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query.library import Query, parse_query
from sselfie_insights.query.parameters import check_values, split_words

TEXT = r"""/*
grain: One row per a.
title: T
description: D
key: [a]
parameters:
  grain: {type: choice, choices: [day, week], default: day, description: g}
  since: {type: date, description: s}
  count: {type: integer, default: 7, minimum: 1, maximum: 90, description: c}
  brackets: {type: text, pattern: '\d+-\d+', description: "Ranges, e.g. 1-3."}
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
        "grain": "day", "since": None, "count": 7, "brackets": None,
    }  # fmt: skip


def test_values_get_their_types(query: Query) -> None:
    given = {"grain": "week", "since": "2026-01-31", "count": "30", "brackets": "1-3"}
    assert check_values(query, given) == {
        "grain": "week", "since": date(2026, 1, 31), "count": 30, "brackets": "1-3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"grain": "wek"}, "cannot be 'wek'; did you mean 'week'.*choices: day, week"),
        ({"since": "31.1.2026"}, "cannot be '31.1.2026': write a date"),
        ({"count": "x"}, "cannot be 'x': write a whole number"),
        ({"count": "0"}, "cannot be 0: bounds: 1…90"),
        ({"brackets": "1-3; drop table x"}, "cannot be .*: Ranges, e.g. 1-3"),
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
