import pytest

from sselfie_insights.query import Query, load_library
from sselfie_insights.query.describe import describe_query

LIBRARY = load_library()


def describe(query: Query, width: int | None) -> str:
    """All that comes before the SQL, which is not broken."""
    return describe_query(query, {}, width=width).partition("\n\nFile: ")[0]


def words(text: str) -> str:
    """What it says; the rules of its tables are as wide as they are."""
    return "".join(text.replace("-", "").split())


@pytest.mark.parametrize("width", [80, 120])
def test_every_query_fits_the_terminal_and_loses_no_word(width: int) -> None:
    for query in LIBRARY.values():
        printed = describe(query, width)
        assert max(map(len, printed.splitlines())) <= width, query.name
        assert words(printed) == words(describe(query, None)), query.name


def test_a_terminal_too_narrow_is_told_what_it_does_not_show() -> None:
    printed = describe(LIBRARY["retention/activity_cohorts"], 45)
    assert "Parameters (widen the terminal to see: default):" in printed
    assert "grain      choice   …  Length of a period.\n" in printed
