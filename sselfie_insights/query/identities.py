"""What holds of the numbers of people in every row of a query, as its header says it."""

import re
from typing import Literal, NamedTuple


class Term(NamedTuple):
    """A number of people in an identity: of a row, of the row before it, or a quantity's."""

    sign: int
    name: str
    place: Literal["row", "before", "quantity"]


class Identity(NamedTuple):
    """What holds of the numbers of people in every row: the terms add up to 0, or to at most 0."""

    terms: tuple[Term, ...]
    is_equal: bool


_TERM = re.compile(
    r"(?P<sign>[+-]?)\s*(?:\[(?P<quantity>[^]]+)\]|(?P<before>before\.)?(?P<name>\w+))"
)


def parse_identity(text: str) -> Identity:
    """Return what ``active = new + old``, ``new <= active`` or ``x <= [quantity]`` says.

    Raises:
        ValueError: It says nothing of the kind.
    """
    left, relation, right = re.split(r"(<=|=)", text, maxsplit=1) if "=" in text else (text, "", "")
    terms = []
    for side, turn in ((left, 1), (right, -1)):
        if _TERM.sub("", side).strip() or not _TERM.search(side):
            raise ValueError(f"{text!r} is no identity, such as 'active = new + before.old'")
        for found in _TERM.finditer(side):
            place: Literal["row", "before", "quantity"]
            place = "quantity" if found["quantity"] else "before" if found["before"] else "row"
            sign = -turn if found["sign"] == "-" else turn
            terms.append(Term(sign, found["quantity"] or found["name"], place))
    return Identity(tuple(terms), relation == "=")
