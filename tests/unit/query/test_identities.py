import pytest

from sselfie_insights.query.identities import Identity, Term, parse_identity
from sselfie_insights.query.library import load_library


def test_an_identity_is_a_sum_that_is_nothing() -> None:
    assert parse_identity("active = new + before.old - gone") == Identity(
        (
            Term(1, "active", "row"),
            Term(-1, "new", "row"),
            Term(-1, "old", "before"),
            Term(1, "gone", "row"),
        ),
        is_equal=True,
    )


def test_a_quantity_can_bound_a_number() -> None:
    assert parse_identity("people <= [in {segment}]") == Identity(
        (Term(1, "people", "row"), Term(-1, "in {segment}", "quantity")), is_equal=False
    )


@pytest.mark.parametrize("text", ["", "active", "active =", "active = 2 * new", "a = b, c"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no identity, such as"):
        parse_identity(text)


def test_quantities_name_columns_and_parameters_of_their_query() -> None:
    for query in load_library().values():
        known = dict.fromkeys([*query.columns, *query.parameters], "")
        for column in query.columns.values():
            for text in (column.same_as, column.covers, *column.adds_up_to):
                if text:
                    for name in known:
                        text = text.replace(f"{{{name}}}", "")
                    plain = [part.split(":")[0] for part in text.split("{")[1:]]
                    assert set(plain) <= known.keys(), (query.name, text)
