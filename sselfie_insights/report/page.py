"""Evaluate a report: run its queries once, hide small groups, make blocks to draw."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import polars as pl

from sselfie_insights.errors import UnknownError, UsageError, nearest
from sselfie_insights.query.header import NUMERIC_UNITS
from sselfie_insights.query.library import Query, find_query, require_people
from sselfie_insights.query.lineage import Model
from sselfie_insights.query.parameters import check_values, choose_values
from sselfie_insights.query.result import Result
from sselfie_insights.report.blocks import (
    Block,
    DataBlock,
    GapBlock,
    HeadlineBlock,
    NoteBlock,
    Page,
    SentencesBlock,
)
from sselfie_insights.report.chart_data import build_chart, pivot
from sselfie_insights.report.curves import build_curves
from sselfie_insights.report.definition import (
    BarSection,
    CohortGridSection,
    CurvesSection,
    DataSection,
    HeadlineItem,
    HeadlineSection,
    LineSection,
    NoteSection,
    Report,
    SentencesSection,
    TableSection,
    WaterfallSection,
    humanize,
)
from sselfie_insights.report.grid import build_grid
from sselfie_insights.report.headline import Tile, build_tiles, missing_tile
from sselfie_insights.report.intervals import head_ends, show_intervals
from sselfie_insights.report.notices import describe_trust
from sselfie_insights.report.plans import Plans, read_plans
from sselfie_insights.report.results import Results
from sselfie_insights.report.rows import choose_points, cut, keep_rows, split, title_part
from sselfie_insights.report.sentences import write_sentences
from sselfie_insights.report.signed import describe_restated
from sselfie_insights.report.tables import build_table, describe_columns
from sselfie_insights.report.validation import check_section
from sselfie_insights.warehouse.gaps import Gap, OnGap, attempt
from sselfie_insights.warehouse.reading import OpenWarehouse

# The parameter of a report that chooses what its cohort grids hold.
_VALUE = "value"

# The rows that one table shows, so that a page stays small.
_MOST_ROWS = 150
_WATERFALL_ROWS = 13  # a year and the running period


class _Runner:
    """Hands out what queries gave, and remembers which were asked for."""

    def __init__(self, results: Results, given: Mapping[str, str]) -> None:
        self.results = results
        self.given = given
        self.used: dict[str, Query] = {}
        opened = results.warehouse
        self.plans = read_plans(opened.connection, opened.stamp.as_of_on)

    def run(self, name: str, values: Mapping[str, str], where: Mapping[str, str]) -> Result:
        """Return the rows ``where`` of the query ``name``; what was given yields to ``values``.

        Small groups are suppressed before rows are chosen, while all that add up are together.

        Raises:
            UsageError: There is no such query or column, or it does not say how many people its
                numbers are about.
        """
        query = find_query(name, self.results.library)
        require_people(query)
        self.used[query.name] = query
        result = self.results.find(name, self.given, values)
        for column, value in where.items():
            if column not in result.columns:
                raise UsageError(f"query {query.name} has no column {column!r}")
            result = keep_rows(result, result.frame[column].cast(pl.String).eq_missing(value))
        return result


def build_page(
    warehouse: OpenWarehouse,
    report: Report,
    library: Mapping[str, Query],
    given: Mapping[str, str] | None = None,
    warnings: Sequence[str] = (),
    models: Mapping[str, Model] | None = None,
    results: Results | None = None,
    on_gap: OnGap | None = None,
) -> Page:
    """Evaluate ``report`` over the open warehouse.

    Args:
        warehouse: What to read.
        report: What to show.
        library: The queries.
        given: Parameters by name; each goes to every query that has it, can take the value, and
            whose section does not fix it. ``value`` chooses the column that cohort grids show,
            where they have it.
        warnings: What to say before anything else.
        models: What dbt knows of the tables behind it.
        results: What queries gave to other pages over the same warehouse and library. Without it,
            small groups are suppressed as if the other reports were known, too.
        on_gap: Receives what fails, a section or a headline number, which is then a gap on the
            page; without it the first failure is raised.

    Raises:
        UsageError: A parameter is unknown or its value wrong; without ``on_gap`` also when a query
            or column is unknown, or a query fails.
    """
    values = dict(given or {})
    if values:
        _check_parameters(report, library, values, is_tolerant=on_gap is not None)
    if results is None:
        results = Results(warehouse, library)
        results.add(report, values)
        results.add_known(report.queries)
    runner = _Runner(results, values)
    blocks: list[Block] = []
    names: set[str] = set()
    for section in report.sections:
        match section:
            case NoteSection():
                name = unique_name(section.title, names) if section.title else ""
                blocks.append(NoteBlock(section.title, section.text, name))
            case HeadlineSection():
                blocks.append(_build_headline(section, runner, report, on_gap))
            case _:
                built = attempt(
                    f"section {section.title!r} of report {report.name}",
                    partial(_build_data, section, runner, values, names),
                    on_gap,
                )
                blocks += (
                    [GapBlock(section.title, built.reason)] if isinstance(built, Gap) else built
                )
    return Page(
        report=report,
        stamp=warehouse.stamp,
        values=values,
        blocks=tuple(blocks),
        queries=tuple(runner.used.values()),
        warnings=tuple(warnings),
        models=models or {},
        trust=describe_trust(warehouse),
    )


def _check_parameters(
    report: Report, library: Mapping[str, Query], given: Mapping[str, str], *, is_tolerant: bool
) -> None:
    """Refuse names and values that no query of ``report`` takes.

    Args:
        report: What is shown.
        library: The queries.
        given: The values by name.
        is_tolerant: Whether a section whose query is unknown is left to be a gap.
    """
    known: dict[str, Query] = {}
    taken: set[str] = set()
    measures: set[str] = set()
    for section in report.sections:
        sources = (
            section.items
            if isinstance(section, HeadlineSection)
            else ()
            if isinstance(section, NoteSection)
            else (section,)
        )
        for source in sources:
            try:
                query = find_query(source.query, library)
            except UsageError:
                if is_tolerant:
                    continue
                raise
            free = [name for name in query.parameters if name not in source.values]
            for name in free:
                known[name] = max(known.get(name, query), query, key=partial(_count_choices, name))
            chosen = choose_values(query, {name: given[name] for name in given if name in free})
            check_values(query, {**source.values, **chosen})
            taken |= chosen.keys()
            if not isinstance(section, CohortGridSection):
                continue
            known[_VALUE] = query
            columns = query.columns
            measures |= {name for name in columns if columns[name].unit in NUMERIC_UNITS}
    for name in given:
        if name not in known:
            raise UsageError(
                f"report {report.name} has no parameter {name!r}{nearest(name, known)}",
                remedy=f"parameters: {', '.join(known) or 'it has none'}",
            )
        if name not in taken and name != _VALUE:
            check_values(known[name], {name: given[name]})  # which says what it could be
    if _VALUE in given and given[_VALUE] not in measures:
        raise UsageError(
            f"no cohort grid of report {report.name} can hold {given[_VALUE]!r}"
            f"{nearest(given[_VALUE], measures)}"
        )


def _count_choices(name: str, query: Query) -> int:
    return len(getattr(query.parameters[name], "choices", ()))


def _build_headline(
    section: HeadlineSection, runner: _Runner, report: Report, on_gap: OnGap | None
) -> HeadlineBlock:
    tiles: list[Tile] = []
    for item in section.items:
        built = attempt(
            f"headline {item.label!r} of report {report.name}",
            partial(_build_item, item, runner),
            on_gap,
        )
        tiles += [missing_tile(item, built)] if isinstance(built, Gap) else built
    # The largest currency's numbers first, then those of the others.
    return HeadlineBlock(section.title, tuple(sorted(tiles, key=lambda tile: tile.rank)))


def _build_item(item: HeadlineItem, runner: _Runner) -> list[Tile]:
    result, earlier = runner.run(item.query, item.values, item.where), None
    if item.earlier is not None:
        # What is known stands without a comparison that is not.
        with suppress(UnknownError):
            earlier = runner.run(item.earlier.query, item.earlier.values, item.earlier.where)
    return build_tiles(item, result, earlier, runner.plans)


def _build_data(
    section: DataSection | CurvesSection | SentencesSection,
    runner: _Runner,
    values: Mapping[str, str],
    names: set[str],
) -> Sequence[Block]:
    blocks: list[DataBlock] = []
    whole = runner.run(section.query, section.values, section.where)
    if isinstance(section, SentencesSection):
        sentences = write_sentences(whole)
        return [SentencesBlock(unique_name(section.title, names), section.title, sentences)]
    if isinstance(section, CurvesSection):
        return [_build_curves(section, whole, names, runner.plans.names)]
    check_section(section, whole)
    parts, total = split(whole, section.each)
    for position, (suffix, part) in enumerate(parts):
        title = title_part(section.title, suffix)
        block = _build_block(section, title, part, values.get(_VALUE), names, runner.plans)
        if position == 0 and total > len(parts):
            by = " and ".join(humanize(name).lower() for name in section.each)
            note = (
                f"Shown are the {len(parts)} largest of {total:,} by {by};"
                f" the query {whole.name} has them all."
            )
            block = replace(block, text=f"{block.text} {note}".strip())
        if len(parts) > 1:
            # Of several currencies or segments the reader sees the largest, and can see the others.
            family = blocks[0].family if blocks else block.name
            block = replace(block, family=family, part=suffix)
        blocks.append(block)
    return blocks


def _build_curves(
    section: CurvesSection, whole: Result, names: set[str], own: Mapping[str, str]
) -> DataBlock:
    curves, table, chart = build_curves(section, whole, own)
    shown = whole
    for column, value in section.chosen.items():
        shown = keep_rows(shown, shown.frame[column].cast(pl.String) == value)
    return DataBlock(
        name=unique_name(section.title, names),
        title=section.title,
        text=section.text or "",
        empty="" if whole.height else "No data captured.",
        result=shown,
        table=table,
        running=(False,) * len(table.rows),
        grid=None,
        chart=chart,
        collapsed=False,
        left_out=0,
        is_partial=False,
        more=section.more or "",
        curves=curves,
    )


def _build_block(
    section: DataSection,
    title: str,
    result: Result,
    value: str | None,
    names: set[str],
    plans: Plans,
) -> DataBlock:
    is_empty = result.frame.is_empty()
    empty = section.empty if is_empty else ""
    grid = chart = None
    shown, columns, newest_first = result, _columns_of(section, result), False
    match section:
        case CohortGridSection():
            column = value if value in result.columns else section.value
            if not is_empty:
                grid = build_grid(result, column, cohorts=section.cohorts, periods=section.periods)
                if not any(cell.text for row in grid.rows for cell in row.cells):
                    grid, empty = None, "Every cohort here is too small to show."
        case TableSection():
            shown = cut(result, first=section.first, last=section.last)
            newest_first = section.newest_first
        case LineSection() | BarSection():
            shown = choose_points(section, result)
            if not is_empty:
                chart = build_chart(section, shown, title, plans)
        case WaterfallSection():
            shown = cut(result, first=None, last=_WATERFALL_ROWS)
            if not is_empty:
                chart = build_chart(section, shown, title, plans)
    if chart is not None and chart.is_blank:
        is_zero = bool(chart.steps) or not any(shown.hidden or ())
        chart, empty = None, "Nothing in this period." if is_zero else "Too few people to show."
    columns = show_intervals(columns, result)
    table, running = build_table(shown, columns, own=plans.names, newest_first=newest_first)
    left_out = result.frame.height - len(running)
    if isinstance(section, BarSection) and section.by and chart is not None and not chart.period:
        # Bars that are split over time: a column for each of their colours.
        unit = result.columns[next(iter(section.y))].unit
        table = pivot(chart, columns.get(section.x, humanize(section.x)), unit)
        running = tuple(not is_complete for is_complete in chart.complete)
        left_out = 0
    if len(running) > _MOST_ROWS:
        left_out += len(running) - _MOST_ROWS
        kept = slice(_MOST_ROWS) if isinstance(section, TableSection) else slice(-_MOST_ROWS, None)
        table, running = replace(table, rows=table.rows[kept]), running[kept]
    notes = section.text, describe_restated(shown, columns), describe_columns(shown, columns)
    return DataBlock(
        name=unique_name(title, names),
        title=title,
        text=" ".join(filter(None, notes)),
        empty=empty,
        result=result,
        table=table,
        running=running,
        grid=grid,
        chart=chart,
        collapsed=isinstance(section, TableSection) and section.collapsed,
        left_out=left_out,
        is_partial=any(shown.hidden or ()) and not isinstance(section, WaterfallSection),
        more=section.more or "",
    )


def _columns_of(section: DataSection, result: Result) -> dict[str, str]:
    """The columns of the table of, or behind, a section, with their headings."""
    match section:
        case TableSection():
            return section.columns
        case LineSection() | BarSection():
            names = list(result.key if section.x in result.key else [section.x])
            fixed = {name: humanize(name) for name in names if name not in section.each}
            interval = section.interval if isinstance(section, LineSection) else None
            first, *others = section.y.items()
            return fixed | dict([first]) | head_ends(interval) | dict(others)
        case WaterfallSection():
            time = {name: humanize(name) for name in result.key if name not in section.each}
            ends = {section.opening: "Opening"}, {section.closing: "Closing"}
            return time | ends[0] | section.gains | section.losses | ends[1]
        case _:
            return {name: humanize(name) for name in result.columns}


def slug(title: str) -> str:
    """Return ``title`` as the name of a file, or of a place on a page."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "table"


def unique_name(title: str, names: set[str]) -> str:
    """Return ``title`` as a file name that no other block of the page has."""
    base = slug(title)
    name, number = base, 2
    while name in names:
        name = f"{base}-{number}"
        number += 1
    names.add(name)
    return name
