"""What a query gives: a table with its units."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sselfie_insights.errors import UnknownError
from sselfie_insights.query.casts import Row, build_frame
from sselfie_insights.query.header import PERIOD_UNITS, Column, Repeats
from sselfie_insights.query.identities import Identity
from sselfie_insights.query.parameters import Value
from sselfie_insights.warehouse.reading import Stamp

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Result:
    """A table with its units.

    Attributes:
        name: The query's name, or ``-`` for a statement of the user's.
        data: The rows, as tuples or as a frame; ``rows`` and ``frame`` give either.
        columns: Unit and meaning of each column, in their order.
        key: The columns that identify a row.
        group_sizes: Columns that count the people behind a row, if any.
        part_of: Sets of columns; rows that agree in all of a set add up to a known whole.
        group: The columns that name the people behind a row; empty where each row has its own.
        identities: What holds of the numbers of people in every row.
        repeats: The columns that say which numbers of other queries its rows repeat, if they do.
        values: The parameters it ran with.
        stamp: What the numbers speak for; None for a statement of the user's.
        marks: By column and row, what stands in place of a number of people that is hidden, and
            null; empty where it is shown, None where nothing was looked for.
        left_out: Columns with personal data, which nobody asked for.
        unknown: Why columns are not known and null in every row, by their names: the source lacks
            what they are made from.
        restated: By a row's key, as JSON, and a column: what has restated it since it was signed.
        title: A few words for a heading; empty for a statement of the user's.
        description: What the numbers mean.
        answer: The column that it is asked for, where its query says so.
    """

    name: str
    data: "list[Row] | pl.DataFrame"
    columns: dict[str, Column]
    key: tuple[str, ...]
    group_sizes: tuple[str, ...]
    values: dict[str, Value]
    stamp: Stamp | None
    part_of: tuple[tuple[str, ...], ...] = ()
    group: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ()
    repeats: Repeats | None = None
    marks: "pl.DataFrame | None" = None
    left_out: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)
    restated: Mapping[tuple[str, str], str] = field(default_factory=dict)
    title: str = ""
    description: str = ""
    answer: str | None = None

    @property
    def height(self) -> int:
        """How many rows there are."""
        return len(self.data)

    @property
    def rows(self) -> "Iterable[Row]":
        """The rows, each with a value a column; dates and aware instants as Python has them."""
        return self.data if isinstance(self.data, list) else self.data.iter_rows()

    def require_known(self, names: Iterable[str]) -> None:
        """Refuse columns that are not known.

        Raises:
            UnknownError: The source lacks what one of ``names`` is made from.
        """
        for name in names:
            if name in self.unknown:
                raise UnknownError(self.unknown[name])

    @property
    def period_columns(self) -> tuple[str, ...]:
        """The columns of the key that hold a month or a day, if any."""
        return tuple(name for name in self.key if self.columns[name].unit in PERIOD_UNITS)

    @cached_property
    def suppressed(self) -> tuple[str, ...] | None:
        """Per row, what stands for the size of its group where one is hidden; else empty."""
        return self._join_marks(self.group_sizes)

    @cached_property
    def hidden(self) -> tuple[str, ...] | None:
        """Per row, what stands for a number of people where one is hidden; else empty."""
        return self._join_marks(self.columns)

    def _join_marks(self, names: Iterable[str]) -> tuple[str, ...] | None:
        if self.marks is None:
            return None
        known = [name for name in names if name in self.marks.columns]
        rows = self.marks.select(known).rows() or [()] * self.height
        return tuple(min(filter(None, row), default="") for row in rows)  # "<5" comes first

    @cached_property
    def frame(self) -> "pl.DataFrame":
        """The rows; Int64, Float64, Date, Datetime (µs, UTC), String or Boolean columns."""
        return build_frame(self.data, self.columns) if isinstance(self.data, list) else self.data
