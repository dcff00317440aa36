"""What the digest says: what the overview does, so that both say the same."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sselfie_insights.clock import write_moment
from sselfie_insights.notebook import Warehouse
from sselfie_insights.query.cells import HIDDEN, SUPPRESSED
from sselfie_insights.report.blocks import Chart, DataBlock, Page, SentencesBlock
from sselfie_insights.report.sentences import Sentence
from sselfie_insights.warehouse.reading import Stamp

_REPORT = "overview"
_THIS_WEEK = "growth/this_week"
_MOST_CHARTS = 2
# What a number is in words that is not shown.
_HIDDEN_WORDS = {SUPPRESSED: "fewer than five", HIDDEN: "some"}


@dataclass(frozen=True)
class Task:
    """What to do this week: a row of ``growth/this_week``, small groups suppressed.

    Attributes:
        text: It, in words.
        command: What lists the people.
    """

    text: str
    command: str


@dataclass(frozen=True)
class Digest:
    """The week in one message. Only what pages may show is in it.

    Attributes:
        title: What it is about, and until when.
        trust: What the numbers stand on, and how old they are, in a line.
        notices: What a reader must know before trusting them.
        sentences: What changed since last week.
        tasks: What to do this week, the most urgent first.
        charts: Heading and chart: the first lines of the overview.
        stamp: What the numbers speak for.
        site: Where the pages are, without a slash at the end; empty where nobody said.
    """

    title: str
    trust: str
    notices: tuple[str, ...]
    sentences: tuple[Sentence, ...]
    tasks: tuple[Task, ...]
    charts: tuple[tuple[str, Chart], ...]
    stamp: Stamp
    site: str

    def link(self, page: str) -> str:
        """Return the address of a page; empty where the pages have none."""
        return f"{self.site}/{page}.html" if self.site else ""


def make_digest(warehouse: Warehouse) -> Digest:
    """Return the digest of the open warehouse.

    Raises:
        UsageError: Its marts were never built.
    """
    page = warehouse.page(_REPORT)
    data = page.data.values()
    drawn = [block for block in data if block.chart and block.chart.kind == "line"]
    return Digest(
        title=f"The week to {_write_day(page.stamp.as_of_on)}",
        trust=f"As of {write_moment(page.stamp.as_of)}; {page.trust}.",
        notices=page.warnings,
        sentences=tuple(
            sentence
            for block in page.blocks
            if isinstance(block, SentencesBlock)
            for sentence in block.sentences
        ),
        tasks=list_tasks(page),
        charts=tuple(
            (block.title, block.chart) for block in _first(drawn) if block.chart is not None
        ),
        stamp=page.stamp,
        site=(warehouse.settings.site_url or "").rstrip("/"),
    )


def list_tasks(page: Page) -> tuple[Task, ...]:
    """Return what ``page`` says is to do this week, the most urgent first."""
    return tuple(
        _write_task(row, mark)
        for block in page.data.values()
        if block.result.name == _THIS_WEEK
        for row, mark in zip(
            block.result.frame.to_dicts(), block.result.suppressed or (), strict=True
        )
    )


def _first(drawn: list[DataBlock]) -> list[DataBlock]:
    """The first chart of each heading, as the later ones are of lesser currencies."""
    kept: dict[str, DataBlock] = {}
    for block in drawn:
        if not block.empty:
            kept.setdefault(block.result.name, block)
    return list(kept.values())[:_MOST_CHARTS]


def _write_task(row: dict[str, Any], mark: str) -> Task:
    ready = _HIDDEN_WORDS.get(mark) or f"{row['ready_count']:,}"
    by = f", best by {_write_day(row['send_by_on'])}" if row["send_by_on"] else ""
    return Task(f"{row['title']}: {ready} people{by}, to {row['purpose']}.", row["command"])


def _write_day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"
