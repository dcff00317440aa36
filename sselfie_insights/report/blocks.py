"""What a page is made of, before anyone draws it: the same for terminal and browser."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sselfie_insights.query.library import Query
from sselfie_insights.query.lineage import Model
from sselfie_insights.query.result import Result
from sselfie_insights.query.table import TextTable
from sselfie_insights.report.definition import Report
from sselfie_insights.report.grid import CohortGrid
from sselfie_insights.report.headline import Tile
from sselfie_insights.report.sentences import Sentence
from sselfie_insights.warehouse.reading import Stamp


@dataclass(frozen=True)
class HeadlineBlock:
    """Numbers that a reader sees first."""

    title: str | None
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Series:
    """A named line or set of bars: one value a point of the chart, None where there is none.

    Attributes:
        label: Its name.
        values: One a point.
        titles: What each value says when it is pointed at.
        ends: The ends of each value's 95 % interval; empty where values have none.
    """

    label: str
    values: tuple[float | None, ...]
    ends: tuple[tuple[float, float] | None, ...] = ()
    titles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """A step of a waterfall from ``start`` to ``end``, in whole units of the measure."""

    label: str
    start: float
    end: float
    kind: Literal["total", "gain", "loss"]


# An interval may make the axis so many times as high as the highest value.
_MOST_OF_HIGHEST = 1.8
# The axis of lines begins above 0 where more than this share of it is empty, and so far below.
_LEAST_EMPTY, _MARGIN = 0.5, 0.25


@dataclass(frozen=True)
class Chart:
    """A chart to draw.

    Attributes:
        kind: Its shape; ``bar`` over categories, ``column`` over time or numbers.
        points: The labels along the axis.
        series: What is drawn, by line or by colour of the bars.
        steps: The steps of a waterfall, else empty.
        complete: Whether each point's period has ended.
        measure: How the value axis is read.
        summary: The chart in one sentence, for who cannot see it.
        period: The one period that all of it speaks for, in words; empty where points have theirs.
        currency: That of its money, if it has one.
        hidden: What stands at each point for something that is hidden: ``<5`` for a small group,
            ``hidden`` for one that would give a small group away, else empty.
        events: What happened, and the position of the point in whose period.
    """

    kind: Literal["line", "bar", "column", "waterfall"]
    points: tuple[str, ...]
    series: tuple[Series, ...]
    steps: tuple[Step, ...]
    complete: tuple[bool, ...]
    measure: Literal["money", "rate", "number"]
    summary: str
    period: str = ""
    currency: str | None = None
    hidden: tuple[str, ...] = ()
    events: tuple[tuple[int, str], ...] = ()

    @property
    def range(self) -> tuple[float, float]:
        """The ends of the value axis: from 0, unless that leaves the lower half of it empty.

        Bars begin at 0. Intervals reach out of the axis rather than flatten the line.
        """
        if self.kind == "waterfall":
            known = [end for step in self.steps for end in (step.start, step.end) if end]
        else:
            known = [value for one in self.series for value in one.values if value is not None]
        ends = [end for one in self.series for pair in one.ends if pair for end in pair]
        highest = max(known, default=0.0)
        high = max([highest, *(end for end in ends if end <= _MOST_OF_HIGHEST * highest)])
        low = min([*known, *(end for end in ends if end <= high)], default=0.0)
        can_lift = self.kind in ("line", "waterfall") and low > _LEAST_EMPTY * high
        return (low - (high - low) * _MARGIN if can_lift else min(0.0, low)), high

    @property
    def is_cut(self) -> bool:
        """Whether an interval reaches out of the axis."""
        ends = [pair for one in self.series for pair in one.ends if pair]
        return any(high > self.range[1] for _, high in ends)

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to see: nothing but zeros and gaps, and no interval."""
        ends = [end for step in self.steps for end in (step.start, step.end)]
        values = [value for series in self.series for value in series.values] + ends
        return not any(values) and not self.has_intervals

    @property
    def has_intervals(self) -> bool:
        """Whether the drawing holds 95 % intervals, which only the first of its series has."""
        return bool(self.series) and any(self.series[0].ends)


@dataclass(frozen=True)
class Curves:
    """What a reader can choose of retention curves, and every slice.

    Attributes:
        choices: By column, its label and the values with their names.
        chosen: By column, the value that the page shows by itself.
        sentence: What that slice says, in words.
        data: Every slice as JSON, in which no ``<`` stands.
    """

    choices: dict[str, tuple[str, dict[str, str]]]
    chosen: dict[str, str]
    sentence: str
    data: str


@dataclass(frozen=True)
class DataBlock:
    """A query's result under a heading, as a grid, a chart or a table.

    Attributes:
        name: Unique on the page; the name of the files beside it.
        title: The heading.
        text: What to read out of it; may be empty.
        empty: In words why there is nothing to show; empty when there is.
        result: The rows behind it, small groups suppressed.
        table: The rows for people, newest last; a running period carries ``*``.
        running: Per row of ``table``, whether its period is still running.
        grid: The cohort grid, if it is one.
        chart: The chart, if it is one.
        collapsed: Whether the reader opens it first.
        left_out: Rows of ``result`` that the page does not show.
        is_partial: Whether groups that are too small to show are missing from what is drawn.
        more: The report that shows more of it; may be empty.
        curves: The other slices, where a script lets the reader choose.
        family: Of a section repeated for currencies or segments, the name of the first; else empty.
        part: Which of them it is.
    """

    name: str
    title: str
    text: str
    empty: str
    result: Result
    table: TextTable
    running: tuple[bool, ...]
    grid: CohortGrid | None
    chart: Chart | None
    collapsed: bool
    left_out: int
    is_partial: bool
    more: str = ""
    curves: Curves | None = None
    family: str = ""
    part: str = ""


@dataclass(frozen=True)
class SentencesBlock:
    """What changed, in words."""

    name: str
    title: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class NoteBlock:
    """Words, under a heading or without; ``name`` is unique on the page, as that of data is."""

    title: str | None
    text: str
    name: str = ""


@dataclass(frozen=True)
class GapBlock:
    """A section that could not be made, and why."""

    title: str
    reason: str


Block = HeadlineBlock | DataBlock | SentencesBlock | NoteBlock | GapBlock


@dataclass(frozen=True)
class Page:
    """An evaluated report.

    Attributes:
        report: What was asked for.
        stamp: What the numbers speak for.
        values: The parameters given.
        blocks: What to draw, in order.
        queries: Every query behind it, in the order of first use.
        warnings: What a reader must know before trusting the page, in words.
        models: What dbt knows of the tables behind it, by name.
        trust: What its numbers stand on, in words.
    """

    report: Report
    stamp: Stamp
    values: dict[str, str]
    blocks: tuple[Block, ...]
    queries: tuple[Query, ...]
    warnings: tuple[str, ...]
    models: Mapping[str, Model]
    trust: str

    @property
    def command(self) -> str:
        """The command that makes this page again."""
        words = ["sselfie", "report", "show", self.report.name, "--format", "html"]
        for name, value in self.values.items():
            words += ["-p", f"{name}={value}"]
        if self.stamp.publication:
            words += ["--publication", self.stamp.publication]
        return shlex.join([*words, "-o", f"{self.report.name}.html"])

    @property
    def gaps(self) -> dict[str, str]:
        """The sections that could not be made, with the reasons."""
        return {block.title: block.reason for block in self.blocks if isinstance(block, GapBlock)}

    @property
    def data(self) -> dict[str, DataBlock]:
        """The blocks that hold data, by name."""
        return {block.name: block for block in self.blocks if isinstance(block, DataBlock)}
