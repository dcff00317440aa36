"""Every number of people in every table, and what they have to do with each other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sselfie_insights.statistics.suppression import (
    SMALLEST_GROUP,
    Cell,
    Equation,
    Mark,
    suppress,
)


@dataclass
class Quantity:
    """The cells that are one quantity, and those of each table that make it up or cover it."""

    same: list[int] = field(default_factory=list)
    parts: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    covers: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


class Book:
    """Every number of people in every table, and what is known of them together."""

    def __init__(self) -> None:
        self.values: list[int] = []
        self.is_size: list[bool] = []
        self.weights: list[float] = []
        self.carries: list[list[int]] = []
        self.carried_by: list[list[tuple[int, ...]]] = []
        self.least: list[int] = []
        self.is_hidden: list[bool] = []
        self.is_guarded: set[int] = set()
        self.decided: dict[int, Mark] = {}
        self.equations: list[Equation] = []
        self.quantities: dict[str, Quantity] = defaultdict(Quantity)
        self._twin: list[int] = []

    def add(
        self,
        value: int,
        *,
        is_size: bool,
        is_hidden: bool = False,
        least: int = SMALLEST_GROUP,
    ) -> int:
        """Add a number, as a ``suppression.Cell`` has it; return its place."""
        self.values.append(value)
        self.is_size.append(is_size)
        self.weights.append(0.0)
        self.carries.append([])
        self.carried_by.append([])
        self.is_hidden.append(is_hidden)
        self.least.append(least)
        self._twin.append(len(self._twin))
        return len(self.values) - 1

    def know(self, terms: Iterable[tuple[int, int]], *, is_equal: bool = True) -> None:
        """Add a sum of cells that is 0, or at most 0; one that is not says nothing."""
        terms = tuple(terms)
        total = sum(sign * self.values[cell] for sign, cell in terms)
        if total == 0 or (total < 0 and not is_equal):
            self.equations.append(Equation(terms, is_equal))

    def know_money(self, sizes: Iterable[int]) -> None:
        """Add that what the groups of these sizes paid, used or did together is known.

        Then what a hidden one of them did must not be known to be that of fewer than five people.
        """
        numbers = []
        for size in sizes:
            number = self.add(self.values[size], is_size=False, least=SMALLEST_GROUP + 1)
            self.is_guarded.add(number)
            self.carries[number].append(size)
            self.carried_by[number].append((size,))
            self.weights[number] = self.weights[size]
            if self.decided.get(size) == "":
                self.decided[number] = ""
            numbers.append(number)
        self.equations.append(Equation(tuple((1, number) for number in numbers)))

    def tie(self) -> None:
        """Add what is known because several cells speak of one quantity."""
        for quantity in self.quantities.values():
            groups = [quantity.same[:1], *quantity.parts.values()]
            whole = next(filter(None, groups), None)
            if whole is None:
                continue
            for cell in quantity.same[1:]:
                self.know([(1, cell), (-1, whole[0])])
            for parts in quantity.parts.values():
                if parts is not whole:
                    self.know([*((1, cell) for cell in parts), *((-1, cell) for cell in whole)])
            for covers in quantity.covers.values():
                total = [(-1, cell) for cell in whole]
                for cell in covers:
                    self.know([(1, cell), *total], is_equal=False)
                sum_ = [(-1, cell) for cell in covers]
                self.know([*sum_, *((1, cell) for cell in whole)], is_equal=False)

    def decide(self) -> list[Mark]:
        """Return what becomes of every cell.

        Of those that are ``decided``, what is shown stays so.
        """
        self._find_twins()
        roots = [self._find(cell) for cell in range(len(self.values))]
        numbers = {root: number for number, root in enumerate(dict.fromkeys(roots))}
        places = [numbers[root] for root in roots]
        alike: list[list[int]] = [[] for _ in numbers]
        for cell, place in enumerate(places):
            alike[place].append(cell)
        cells = [
            Cell(
                value=self.values[group[0]],
                is_size=any(self.is_size[cell] for cell in group),
                weight=sum(self.weights[cell] for cell in group),
                carries=tuple(sorted({places[o] for cell in group for o in self.carries[cell]})),
                carried_by=tuple(
                    sorted(
                        {
                            tuple(sorted({places[size] for size in sizes}))
                            for cell in group
                            for sizes in self.carried_by[cell]
                        }
                    )
                ),
                is_hidden=any(self.is_hidden[cell] or self.decided.get(cell) for cell in group),
                is_shown={self.decided[cell] for cell in group if cell in self.decided} == {""},
                least=max(self._least(cell) for cell in group),
                is_guarded=not self.is_guarded.isdisjoint(group),
            )
            for group in alike
        ]
        marks = suppress(cells, self._join(places)).marks
        return [self._settle(cell, marks[place]) for cell, place in enumerate(places)]

    def _settle(self, cell: int, mark: Mark) -> Mark:
        """What was decided stays, but that a group may not be said to be small any more."""
        decided = self.decided.get(cell)
        return mark if decided is None or decided == "small" else decided

    def _least(self, cell: int) -> int:
        """A number that only went with others says nothing that they do not."""
        return 0 if self.decided.get(cell) == "carried" else self.least[cell]

    def _find_twins(self) -> None:
        """Find which cells are one number, as everybody knows, and which can only be 0."""
        nobody = {c for c, n in enumerate(self.values) if n == 0 and self.is_size[c]}
        is_settled = False
        while not is_settled:
            is_settled = True
            for equation in self.equations:
                terms = [term for term in equation.terms if self._find(term[1]) not in nobody]
                signs = {sign for sign, _ in terms}
                if not equation.is_equal or not terms:
                    continue
                if len(signs) == 1 and not any(self.values[cell] for _, cell in terms):
                    nobody |= {self._find(cell) for _, cell in terms}
                    is_settled = False
                elif len(terms) == 2 and len(signs) == 2:
                    one, other = sorted(self._find(cell) for _, cell in terms)
                    is_settled &= one == other
                    self._twin[other] = one

    def _find(self, cell: int) -> int:
        while self._twin[cell] != cell:
            cell = self._twin[cell]
        return cell

    def _join(self, places: list[int]) -> list[Equation]:
        """The equations over cells of which no two are one number."""
        joined = dict[Equation, None]()
        for equation in self.equations:
            signs: dict[int, int] = defaultdict(int)
            for sign, cell in equation.terms:
                signs[places[cell]] += sign
            terms = tuple((sign, cell) for cell, sign in sorted(signs.items()) if sign)
            if terms:
                joined[Equation(terms, equation.is_equal)] = None
        return list(joined)


class Names:
    """The columns and parameters of a row, as the name of a quantity writes them."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = {name: _write(value) for name, value in row.items()}

    def write(self, text: str) -> str | None:
        """Return the name of a quantity; None where the row has no such day."""
        try:
            return text.format_map(self.row)
        except ValueError:  # there is no day to reckon from
            return None


def _write(value: Any) -> Any:
    if isinstance(value, date):
        return _Day(value.year, value.month, value.day)
    return "" if value is None else value


class _Day(date):
    """A day that a format can reckon from.

    ``-6 day``; ``last week``, ``last +2 month`` of the periods that begin with it; ``first month``
    for the begin of the one that holds it.
    """

    def __format__(self, spec: str) -> str:
        if spec.startswith("first "):
            return str(_begin(self, spec.removeprefix("first ")))
        day, is_last = self, spec.startswith("last")
        *steps, unit = spec.removeprefix("last").split() or ["day"]
        count = int(steps[0]) if steps else 0
        return str(_shift(day, count + is_last, unit) - timedelta(days=is_last))


_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7, "two_weeks": 14}


def _begin(day: date, unit: str) -> date:
    if unit == "week":
        return date(day.year, day.month, day.day) - timedelta(days=day.weekday())
    return date(day.year, (day.month - 1) // _MONTHS[unit] * _MONTHS[unit] + 1, 1)


def _shift(day: date, count: int, unit: str) -> date:
    if unit in _DAYS:
        return date(day.year, day.month, day.day) + timedelta(days=count * _DAYS[unit])
    months = day.year * 12 + day.month - 1 + count * _MONTHS[unit]
    return date(months // 12, months % 12 + 1, day.day)
