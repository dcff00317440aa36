"""Hide what small groups would reveal about the people in them, over all tables together."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from sselfie_insights.query.header import IN_MEAN, MEAN, NUMERIC_UNITS, Column
from sselfie_insights.query.identities import Identity
from sselfie_insights.query.library import Query
from sselfie_insights.query.result import Result
from sselfie_insights.report.hiding import Decided, hide, list_sources, order_rows
from sselfie_insights.report.people import Book, Names
from sselfie_insights.statistics.suppression import SMALLEST_GROUP, Mark

_Key = TypeVar("_Key", bound=Hashable)

# What is lost with a number of a mean, as often as with one of its groups; and with one of the
# newest periods, which are read first.
_MEAN_WEIGHT = 3
_NEW_WEIGHT = 3
_NEW_PERIODS = 3


def suppress_small_groups(
    results: Mapping[_Key, Result], decided: Mapping[_Key, Decided] | None = None
) -> dict[_Key, Result]:
    """Return ``results`` without what would reveal the size of a group of one to four people.

    All of them are taken as known together. A small group's size shows as ``<5``, and its row keeps
    only its key, names and flags. What would give it away shows as ``hidden``, in whatever table it
    stands: ``statistics.suppression`` says what may be known in the end. What a column's ``of``
    counts can be too few by itself: then that number goes. An empty group reveals nobody and
    stays 0. Of the results in ``decided``, which others have seen, nothing more is hidden.
    """
    known = decided or {}
    marks = known if results.keys() <= known.keys() else decide(results, known)
    return {key: hide(result, marks[key]) for key, result in results.items()}


def decide(
    results: Mapping[_Key, Result], decided: Mapping[_Key, Decided] | None = None
) -> dict[_Key, Decided]:
    """Return what ``suppress_small_groups`` makes of the numbers of people."""
    book, known = Book(), decided or {}
    tables = {key: _Table(result, book, known.get(key)) for key, result in results.items()}
    for table in tables.values():
        table.name_quantities()
    book.tie()
    for table in tables.values():
        table.write_equations()
    marks = book.decide()
    return {key: table.list_marks(marks) for key, table in tables.items()}


class _Table:
    """One result: where its numbers of people are in the book, and what it becomes."""

    def __init__(self, result: Result, book: Book, decided: Decided | None) -> None:
        self.result, self.book = result, book
        self.counts = list(_list_counts(result))
        self.rows: list[dict[str, Any]] = result.frame.to_dicts() if self.counts else []
        self.cells: dict[str, list[int | None]] = {name: [] for name in self.counts}
        self.before = order_rows(result) if self.counts else []
        shared: dict[Any, int] = {}
        for number, row in enumerate(self.rows):
            group = tuple(row[name] for name in result.group) if not row.get(MEAN) else ()
            for name in self.counts:
                is_size, value = name in result.group_sizes, row[name]
                if value is None:
                    self.cells[name].append(None)
                    continue
                key = (name, group, value)
                cell = shared.get(key) if is_size and group else None
                if cell is None:
                    is_mean = bool(row.get(MEAN)) and is_size
                    is_few = is_mean and 0 < value < SMALLEST_GROUP
                    # What is said of a mean's size would say something of each of its groups.
                    cell = shared[key] = book.add(
                        int(value),
                        is_size=is_size and not is_mean,
                        is_hidden=is_few or self._is_of_few(row, name),
                        least=SMALLEST_GROUP,
                    )
                    if decided:
                        book.decided[cell] = decided[name][number]
                self.cells[name].append(cell)
        self._weigh()

    def _is_of_few(self, row: Mapping[str, Any], name: str) -> bool:
        """Whether a number goes since it is of too few, though its row stays."""
        sizes = [row[size] or 0 for size in self.result.group_sizes]
        of = self.result.columns[name].of
        is_few = of is not None and 0 < (row[of] or 0) < SMALLEST_GROUP
        return is_few and not any(0 < size < SMALLEST_GROUP for size in sizes)

    def _weigh(self) -> None:
        """Count what is lost with each cell, and what goes with it."""
        book, result = self.book, self.result
        measures = [name for name in result.columns if self._is_measure(name)]
        parts = [name for name in self.counts if name not in result.group_sizes]
        lost = {
            name: len(measures)
            if name in result.group_sizes
            else 1 + sum(name in list_sources(result.columns[each], parts) for each in measures)
            for name in self.counts
        }
        time = result.period_columns[:1]
        periods = {row[time[0]] for row in self.rows if row[time[0]] is not None} if time else set()
        new = sorted(periods)[-_NEW_PERIODS:]
        for number, row in enumerate(self.rows):
            found = (self.cells[name][number] for name in result.group_sizes)
            sizes = tuple(cell for cell in found if cell is not None)
            weight = _MEAN_WEIGHT if row.get(MEAN) else 1
            if time and row[time[0]] in new:
                weight *= _NEW_WEIGHT
            for name in self.counts:
                cell = self.cells[name][number]
                if cell is not None:
                    book.weights[cell] += lost[name] * weight
                    book.carried_by[cell].append(() if name in result.group_sizes else sizes)

    def _is_measure(self, name: str) -> bool:
        return self.result.columns[name].unit in NUMERIC_UNITS and name not in self.result.key

    def name_quantities(self) -> None:
        """Write into the book which quantity, whosever it is, each number is or belongs to."""
        named = [
            (name, text, kind)
            for name in self.counts
            for text, kind in _list_quantities(self.result.columns[name])
        ]
        for number, row in enumerate(self.rows if named else ()):
            names = Names(self.result.values | row)
            for name, text, kind in named if not row.get(MEAN) else ():
                cell, quantity = self.cells[name][number], names.write(text)
                if cell is None or not quantity:
                    continue
                found = self.book.quantities[quantity]
                cells = found.same if kind == "same" else getattr(found, kind)[id(self)]
                if cell not in cells:
                    cells.append(cell)

    def write_equations(self) -> None:
        """Write into the book what this table says of its own numbers."""
        result = self.result
        for number, row in enumerate(self.rows if result.identities else ()):
            names = Names(result.values | row)
            for identity in result.identities:
                self._write_identity(identity, number, names)
        if result.group_sizes and result.part_of:
            self._write_wholes()
        if MEAN in result.columns and self.counts:
            self._write_means()

    def _write_identity(self, identity: Identity, number: int, names: Names) -> None:
        terms: list[tuple[int, int]] = []
        for sign, name, place in identity.terms:
            if place == "quantity":
                quantity = names.write(name)
                found = self.book.quantities.get(quantity or "")
                cells = found and next(filter(None, [found.same[:1], *found.parts.values()]), None)
                if not cells:
                    return
                terms += [(sign, cell) for cell in cells]
                continue
            row = self.before[number] if place == "before" else number
            cell = None if row is None else self.cells[name][row]
            if cell is None:
                return
            terms.append((sign, cell))
        self.book.know(terms, is_equal=identity.is_equal)

    def _write_wholes(self) -> None:
        """The sums over parts that are known from numbers other than those of people."""
        for whole in self.result.part_of:
            sums: dict[tuple[Any, ...], dict[int, None]] = defaultdict(dict)
            for row, cell in zip(self.rows, self.cells[self.result.group_sizes[0]], strict=True):
                if cell is not None and not row.get(MEAN):
                    sums[tuple(row[name] for name in whole)][cell] = None
            for cells in sums.values():
                if sum(self.book.values[cell] for cell in cells) >= SMALLEST_GROUP:
                    self.book.know_money(cells)

    def _write_means(self) -> None:
        """A mean's numbers are the sums of those that it is over."""
        result = self.result
        names = [name for name in result.key if name not in result.group]
        names += [name for name in result.group if name != result.period_columns[0]]
        for name in self.counts:
            sums: dict[tuple[Any, ...], list[int]] = defaultdict(list)
            means: dict[tuple[Any, ...], int] = {}
            for row, cell in zip(self.rows, self.cells[name], strict=True):
                at = tuple(row[key] for key in names)
                if cell is not None and row[MEAN]:
                    means[at] = cell
                elif cell is not None and row[IN_MEAN]:
                    sums[at].append(cell)
            for at, mean in means.items():
                self.book.know([*((1, cell) for cell in sums[at]), (-1, mean)])

    def list_marks(self, marks: list[Mark]) -> dict[str, list[Mark]]:
        """Return what becomes of each number of people, by column and row."""
        return {
            name: ["" if cell is None else marks[cell] for cell in cells]
            for name, cells in self.cells.items()
        }


def _list_counts(result: Result) -> Iterable[str]:
    """The columns whose numbers of people are held against those of other tables."""
    named = set(result.group_sizes)
    named |= {term.name for identity in result.identities for term in identity.terms}
    for name, column in result.columns.items():
        named |= {source.removeprefix("before.") for source in column.made_of or ()}
        if any(_list_quantities(column)):
            named.add(name)
    return (name for name, column in result.columns.items() if name in named)


def _list_quantities(column: Column) -> Iterator[tuple[str, str]]:
    """The quantities that a number is or belongs to, and how: ``same``, ``parts``, ``covers``."""
    if column.same_as is not None:
        yield column.same_as, "same"
    yield from ((text, "parts") for text in column.adds_up_to)
    if column.covers is not None:
        yield column.covers, "covers"


def list_families(query: Query) -> frozenset[str]:
    """The first words of the quantities that the numbers of ``query`` are, or belong to.

    Numbers of queries that share none of these words have nothing to do with each other.
    """
    texts = [text for column in query.columns.values() for text, _ in _list_quantities(column)]
    for identity in query.identities:
        texts += [term.name for term in identity.terms if term.place == "quantity"]
    return frozenset(text.partition(" ")[0] for text in texts)
