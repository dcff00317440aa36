"""What stays possible, by trying every number behind everything that is hidden."""

from itertools import product
from random import Random

import pytest

from sselfie_insights.statistics import moves
from sselfie_insights.statistics.suppression import Cell, Equation, Suppression, suppress

HIGHEST = 24
"""The highest number that is tried behind a hidden one."""


def table(sizes: list[list[int]]) -> tuple[list[Cell], list[Equation]]:
    """The cells of a table, row by row, then the sums of its rows and of its columns."""
    rows, columns = len(sizes), len(sizes[0])
    cells = [Cell(value, is_size=True) for row in sizes for value in row]
    cells += [Cell(sum(row), is_size=False, weight=2) for row in sizes]
    cells += [Cell(sum(column), is_size=False, weight=2) for column in zip(*sizes, strict=True)]
    inside = rows * columns
    equations = [
        Equation((*((1, row * columns + c) for c in range(columns)), (-1, inside + row)))
        for row in range(rows)
    ]
    equations += [
        Equation((*((1, r * columns + column) for r in range(rows)), (-1, inside + rows + column)))
        for column in range(columns)
    ]
    return cells, equations


def possible(
    cells: list[Cell], equations: list[Equation], found: Suppression
) -> dict[int, set[int]]:
    """Every value that each hidden cell can have, by trying all of them together."""
    hidden = [number for number, mark in enumerate(found.marks) if mark]
    ranges = [
        range(1, 5) if found.marks[number] == "small"
        else range(5 if cells[number].is_size else 0, HIGHEST)
        for number in hidden
    ]  # fmt: skip
    values: dict[int, set[int]] = {number: set() for number in hidden}
    for tried in product(*ranges):
        behind = dict(zip(hidden, tried, strict=True))
        sums = (
            (sum(sign * behind.get(cell, cells[cell].value) for sign, cell in each.terms), each)
            for each in equations
        )
        if all(total == 0 if each.is_equal else total <= 0 for total, each in sums):
            for number, value in behind.items():
                values[number].add(value)
    return values


@pytest.mark.parametrize("seed", range(12))
def test_what_is_hidden_could_be_many_numbers(seed: int) -> None:
    random = Random(seed)
    sizes = [[random.choice([2, 7, 9, 11, 12]) for _ in range(3)] for _ in range(2)]
    sizes[0][0] = random.randint(1, 4)
    cells, equations = table(sizes)
    found = suppress(cells, equations)
    assert found.open == []
    for number, cell in enumerate(cells):
        if cell.is_size and 0 < cell.value < 5:
            assert found.marks[number] == "small"
    if sum(map(bool, found.marks)) <= 5:  # more would take minutes to try
        for number, values in possible(cells, equations, found).items():
            if found.marks[number] == "small":
                assert values == {1, 2, 3, 4}, sizes
            else:
                assert len(values) >= 5, sizes


@pytest.mark.parametrize("seed", range(6))
def test_a_scipy_without_a_model_that_can_be_changed_gives_the_same(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(100 + seed)
    sizes = [[random.choice([2, 7, 9, 11, 30]) for _ in range(6)] for _ in range(5)]
    cells, equations = table(sizes)
    found = suppress(cells, equations)
    assert moves.highs is not None
    monkeypatch.setattr(moves, "highs", None)
    assert suppress(cells, equations) == found


def test_an_empty_group_reveals_nobody_and_is_shown() -> None:
    cells, equations = table([[3, 0, 9, 8], [7, 12, 0, 6], [8, 9, 11, 0]])
    found = suppress(cells, equations)
    assert found.open == []
    assert [found.marks[number] for number, cell in enumerate(cells) if not cell.value] == [""] * 3


@pytest.mark.parametrize("seed", range(6))
def test_what_is_known_already_stays_and_others_protect_what_is_hidden(seed: int) -> None:
    random = Random(seed)
    sizes = [[random.randint(1, 4), *(random.randint(10, 14) for _ in range(3))]]
    cells, equations = table(sizes)
    cells = cells[:5]  # only what the row adds up to is known: each column is a number by itself
    known = random.randint(1, 3)
    cells[known] = cells[known]._replace(is_shown=True)
    cells[4] = cells[4]._replace(is_shown=True)
    found = suppress(cells, equations[:1])
    assert found.open == []
    assert found.marks[0] == "small"
    assert found.marks[known] == found.marks[4] == ""
    found_values = possible(cells, equations[:1], found)
    assert found_values.pop(0) == {1, 2, 3, 4}
    assert all(len(values) >= 5 for values in found_values.values())


def test_the_same_numbers_are_always_hidden() -> None:
    cells, equations = table([[3, 9, 8], [7, 12, 6], [30, 2, 11]])
    assert suppress(cells, equations) == suppress(cells, equations)


def test_nothing_is_hidden_without_a_small_group() -> None:
    cells, equations = table([[0, 9, 8], [7, 12, 5]])
    assert not any(suppress(cells, equations).marks)


def test_what_small_groups_bound_too_closely_does_not_call_them_small() -> None:
    # Nobody else is in it: two groups of at most four are eight at most, and five at least.
    cells = [Cell(2, is_size=True), Cell(4, is_size=True), Cell(6, is_size=True)]
    found = suppress(cells, [Equation(((1, 0), (1, 1), (-1, 2)))])
    assert found.marks == ["hidden"] * 3
    assert found.open == [2]
