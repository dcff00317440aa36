"""Which numbers of people to hide, so that small groups cannot be worked out from what is shown.

This is the cell suppression problem: numbers that equations tie together, some of which must not be
known (Fischetti and Salazar, "Solving the cell suppression problem on tabular data with linear
constraints", Management Science 47, 2001; the tool tau-argus). What protects a hidden number is a
witness: other whole numbers behind everything that is hidden, which agree with every equation and
everything that is shown. Each hidden number asks for witnesses with other values in its place;
where there is none, the linear program of Kelly, Golden and Assad ("Cell suppression: disclosure
protection for sensitive tabular data", Networks 22, 1992) finds the cheapest one, and what it moves
is hidden too. A witness stays one however much more is hidden, so every number that was protected
is so in the end. It looks first at the equations nearby, then at all of them. ``moves`` solves the
programs.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from sselfie_insights.statistics.moves import Array, Program

SMALLEST_GROUP = 5
"""Groups of fewer people are not shown, so that no page describes a person."""

Mark = Literal["", "small", "hidden", "carried"]

# How many equations away the witness for a number is looked for, before all of them are asked.
_NEARBY = (2, 4)
# By how much a hidden number may be another, the nearest first.
_STEPS = [step for far in range(1, SMALLEST_GROUP + 1) for step in (far, -far)]
# The cost of moving what is hidden already: enough to leave it alone where that is as cheap.
_HIDDEN_COST = 1e-3
# What a doubling of a number adds to its cost: of two that protect alike, the smaller is hidden.
_SIZE_COST = 0.02
# The programs that are kept for the next question about the same cells.
_MOST_PROGRAMS = 100


class Cell(NamedTuple):
    """A number of people.

    Attributes:
        value: The number.
        is_size: Whether it counts a group: 1 to 4 are then hidden, 0 is always shown, and a larger
            one that is hidden is known to be no small one. Of other numbers nothing is known but
            that they are not negative.
        weight: What is lost with it, in numbers shown.
        carries: Sizes of groups that are hidden with it.
        carried_by: For each place where it stands, the sizes any of which is hidden only together
            with all that stands there; empty where nothing hides it but itself.
        is_hidden: Whether it is not shown, whatever the others are.
        is_shown: Whether it is known already, and stays; a small size is not repeated.
        least: How many values have to stay possible once it is hidden.
        is_guarded: Whether they have to where it only goes with others, too.
    """

    value: int
    is_size: bool
    weight: float = 1.0
    carries: tuple[int, ...] = ()
    carried_by: tuple[tuple[int, ...], ...] = ()
    is_hidden: bool = False
    is_shown: bool = False
    least: int = SMALLEST_GROUP
    is_guarded: bool = False


class Equation(NamedTuple):
    """A sum of cells, with their coefficients, that is known; or known to be at most 0."""

    terms: tuple[tuple[int, int], ...]
    is_equal: bool = True


class Suppression(NamedTuple):
    """What is to be hidden.

    Attributes:
        marks: Per cell ``small``: a group of one to four; ``hidden``: what protects one, or was
            to be hidden; ``carried``: what goes with either; else nothing.
        open: Hidden cells that small groups around them would leave too few values. Those groups
            are ``hidden``, too, which says nothing of how many they are.
    """

    marks: list[Mark]
    open: list[int]


def suppress(cells: Sequence[Cell], equations: Sequence[Equation]) -> Suppression:
    """Return which of ``cells`` to hide.

    Afterwards each of 1 to 4 stays possible behind every small group, and at least five numbers
    behind every cell that is hidden to protect one, given what is shown and the equations.
    """
    return _Suppressor(cells, equations).run()


@dataclass
class _Suppressor:
    cells: Sequence[Cell]
    equations: Sequence[Equation]
    touching: list[list[int]] = field(default_factory=list)
    slack: list[int] = field(default_factory=list)
    carried: list[list[int]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    seen: list[set[int]] = field(default_factory=list)
    queue: list[int] = field(default_factory=list)
    programs: dict[tuple[int, ...], "Program"] = field(default_factory=dict)
    free: dict[int, list[int]] = field(default_factory=dict)
    whole: dict[int, list[int]] = field(default_factory=dict)

    def run(self) -> Suppression:
        import numpy as np
        from scipy.sparse import csc_array

        bounds = np.array([_bounds(cell) for cell in self.cells], dtype=float).reshape(-1, 2)
        values = np.array([cell.value for cell in self.cells], dtype=float)
        self.is_fixed = list(map(_is_fixed, self.cells))
        moves = ~np.array(self.is_fixed, dtype=bool)
        self.falls = np.where(moves, values - bounds[:, 0], 0.0)
        self.rises = np.where(moves, bounds[:, 1] - values, 0.0)
        weights = np.array([cell.weight for cell in self.cells], dtype=float)
        self.weights = weights * (1 + _SIZE_COST * np.log2(1 + values))
        self.is_marked = np.zeros(len(self.cells), dtype=bool)
        self.touching = [[] for _ in self.cells]
        for number, equation in enumerate(self.equations):
            for _, place in equation.terms:
                self.touching[place].append(number)
            total = sum(sign * self.cells[place].value for sign, place in equation.terms)
            self.slack.append(-total)
        terms = [(c, n, cell) for n, each in enumerate(self.equations) for c, cell in each.terms]
        signs, rows, columns = np.array(terms, dtype=np.int64).reshape(-1, 3).T
        shape = (len(self.equations), len(self.cells))
        self.sums = csc_array((signs.astype(float), (rows, columns)), shape=shape)
        is_equal = np.array([equation.is_equal for equation in self.equations], dtype=bool)
        self.least = np.where(is_equal, 0.0, -np.inf)
        self.most = np.where(is_equal, 0.0, self.slack)
        self.carried = [[] for _ in self.cells]
        for number, cell in enumerate(self.cells):
            for size in {size for sizes in cell.carried_by for size in sizes}:
                self.carried[size].append(number)
        self.marks = ["" for _ in self.cells]
        self.seen = [{cell.value} for cell in self.cells]
        for number, cell in enumerate(self.cells):
            if is_small(cell) or cell.is_hidden:
                self._hide(number)
        for step in _STEPS[: 2 * (SMALLEST_GROUP - 2)]:  # from 1 to 4 it is three, either way
            self._spread(step)
        place = 0
        while place < len(self.queue):  # which grows
            self._protect(self.queue[place])
            place += 1
        lacking = [number for number in self.queue if self._lacks(number)]
        for number in lacking:
            self._blur(number)
        return Suppression(self.marks, lacking)

    def _blur(self, number: int) -> None:
        """Do not say of the small groups around a cell, which bound it, that they are small."""
        for each in self.touching[number]:
            for _, cell in self.equations[each].terms:
                if self.marks[cell] == "small":
                    self.marks[cell] = "hidden"

    def _hide(self, number: int) -> None:
        """Hide a cell and what goes with it; the size of a group is then to be protected, too."""
        is_few = is_small(self.cells[number])
        if self.marks[number] not in ("", "carried") or (self.is_fixed[number] and not is_few):
            return
        self.marks[number] = "small" if is_few else "hidden"
        self.is_marked[number] = True
        self.free.clear()
        self.queue.append(number)
        for other in self.cells[number].carries:
            self._hide(other)
        for other in self.carried[number]:
            if self.marks[other] or self.is_fixed[other]:
                continue
            places = self.cells[other].carried_by
            if all(any(map(self._is_gone, sizes)) for sizes in places):
                self.marks[other] = "carried"
                self.is_marked[other] = True
                if self.cells[other].is_guarded:
                    self.queue.append(other)

    def _is_gone(self, number: int) -> bool:
        return self.marks[number] in ("small", "hidden")

    def _lacks(self, number: int) -> bool:
        """Whether too few values of a hidden cell are known to be possible."""
        if not self.touching[number] or self.is_fixed[number]:
            return False
        least = SMALLEST_GROUP - 1 if self.marks[number] == "small" else self.cells[number].least
        return len(self.seen[number]) < least

    def _protect(self, number: int) -> None:
        """Look for witnesses until enough values are possible for a hidden cell.

        First among those that hide nothing more.
        """
        known: list[int] = []
        for distance in (None, *_NEARBY, len(self.equations)):
            if not self._lacks(number):
                return
            region = self._region(number, distance)
            if region == known:
                continue
            known = region
            ways = {1, -1}  # what cannot move by one cannot move by more
            for step in self._list_new(number):
                way = 1 if step > 0 else -1
                if way in ways and self._lacks(number):
                    move = self._reach(number, step, region)
                    if move is None:
                        ways.remove(way)
                        continue
                    for moved in move:
                        if not self.marks[moved]:
                            self._hide(moved)
                    self._note(move)

    def _list_new(self, number: int) -> Iterator[int]:
        """The steps to values of a cell that are not known to be possible, the nearest first."""
        low, high = _bounds(self.cells[number])
        value = self.cells[number].value
        for step in _STEPS:
            if low <= value + step <= high and value + step not in self.seen[number]:
                yield step

    def _region(self, number: int, distance: int | None) -> list[int]:
        """The cells at most so many equations away from ``number``; all hidden ones, if None."""
        if distance in _NEARBY:
            return self._walk(number, distance, is_free=False)
        found = self.free if distance is None else self.whole
        if number not in found:
            region = self._walk(number, len(self.equations), is_free=distance is None)
            found |= dict.fromkeys(region, region)
        return found[number]

    def _walk(self, number: int, distance: int, *, is_free: bool) -> list[int]:
        found, edge, asked = {number}, [number], set[int]()
        for _ in range(distance):
            numbers = {each for cell in edge for each in self.touching[cell]} - asked
            if not numbers:
                break
            asked |= numbers
            reached = {cell for each in numbers for _, cell in self.equations[each].terms} - found
            edge = [cell for cell in reached if self._can_move(cell, is_free)]
            found.update(edge)
        return sorted(found)

    def _can_move(self, number: int, is_free: bool) -> bool:
        return not self.is_fixed[number] and (bool(self.marks[number]) or not is_free)

    def _reach(self, number: int, step: int, region: list[int]) -> dict[int, int] | None:
        """Return the cheapest move of ``region`` by which ``number`` moves by ``step``, if any."""
        import numpy as np

        chosen = np.array(region)
        # The place breaks ties, so that the same numbers are always hidden.
        weights = self.weights[chosen] * (1 + 1e-4 * np.arange(len(region)) / len(region))
        costs = np.where(self.is_marked[chosen], _HIDDEN_COST, weights)
        falls, rises = self.falls[chosen], self.rises[chosen]
        least_falls, least_rises = np.zeros(len(region)), np.zeros(len(region))
        place = bisect_left(region, number)
        falls[place] = least_falls[place] = max(-step, 0)
        rises[place] = least_rises[place] = max(step, 0)
        least = np.concatenate([least_rises, least_falls])
        return self._solve(region, costs, least, np.concatenate([rises, falls]))

    def _spread(self, step: int) -> None:
        """Look for a witness in which as many hidden cells as can be move by ``step`` at once.

        It moves nothing that is shown.
        """
        import numpy as np

        region = [cell for cell, mark in enumerate(self.marks) if mark and self.touching[cell]]
        chosen = np.array(region, dtype=int)
        falls, rises = self.falls[chosen], self.rises[chosen]
        costs, is_of_use = np.full(len(region), _HIDDEN_COST), False
        for index, cell in enumerate(region):
            if self._lacks(cell) and step in self._list_new(cell):
                falls[index], rises[index] = max(-step, 0), max(step, 0)
                costs[index], is_of_use = -1.0, True
        if is_of_use:
            least = np.zeros(2 * len(region))
            self._note(self._solve(region, costs, least, np.concatenate([rises, falls])) or {})

    def _solve(
        self, region: list[int], costs: "Array", least: "Array", most: "Array"
    ) -> dict[int, int] | None:
        """Return the cheapest move of the cells of ``region`` that agrees with every equation.

        A cell costs as much either way; bounds are those of each cell's rise, then of its fall.
        """
        from sselfie_insights.statistics.moves import Program

        key = tuple(region)
        if key not in self.programs:
            if len(self.programs) == _MOST_PROGRAMS:
                self.programs.clear()
            self.programs[key] = Program(self.sums[:, region], self.least, self.most)
        move = self.programs[key].find(costs, least, most)
        return None if move is None else {region[i]: int(move[i]) for i in move.nonzero()[0]}

    def _note(self, move: Mapping[int, int]) -> None:
        """Add the values that a move, and its multiples, show to be possible."""
        for part in self._split(move):
            for sign in (1, -1):
                multiples = range(sign, sign * len(_STEPS), sign)
                for times in takewhile(partial(self._is_possible, part), multiples):
                    for cell, step in part.items():
                        self.seen[cell].add(self.cells[cell].value + times * step)

    def _split(self, move: Mapping[int, int]) -> Iterator[dict[int, int]]:
        """Yield the parts of a move that have no equation in common, each a move by itself."""
        left = dict(move)
        while left:
            edge, part = [next(iter(left))], dict[int, int]()
            while edge:
                cell = edge.pop()
                if cell in left:
                    part[cell] = left.pop(cell)
                    equations = (self.equations[each] for each in self.touching[cell])
                    edge += [other for equation in equations for _, other in equation.terms]
            yield part

    def _is_possible(self, move: Mapping[int, int], times: int) -> bool:
        for cell, step in move.items():
            low, high = _bounds(self.cells[cell])
            if not low <= self.cells[cell].value + times * step <= high:
                return False
        return all(
            times * sum(coefficient * move.get(cell, 0) for coefficient, cell in equation.terms)
            <= self.slack[number]
            for number, equation in self._inequalities(move)
        )

    def _inequalities(self, move: Mapping[int, int]) -> Iterator[tuple[int, Equation]]:
        for number in sorted({each for cell in move for each in self.touching[cell]}):
            if not self.equations[number].is_equal:
                yield number, self.equations[number]


def is_small(cell: Cell) -> bool:
    """Whether a cell counts a group of one to four people."""
    return cell.is_size and 0 < cell.value < SMALLEST_GROUP


def _bounds(cell: Cell) -> tuple[float, float]:
    """What everybody knows of a hidden cell: whether it is small, and that it is not negative."""
    if is_small(cell):
        return 1, SMALLEST_GROUP - 1
    if cell.is_size:
        return (SMALLEST_GROUP, float("inf")) if cell.value else (0, 0)
    return 0, float("inf")


def _is_fixed(cell: Cell) -> bool:
    """Whether everybody knows it: what is shown already, and that an empty group is empty."""
    return cell.is_shown or (cell.is_size and cell.value == 0)
