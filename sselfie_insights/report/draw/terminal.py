"""Draw a page as lines of text: coloured on a terminal, plain and aligned anywhere else.

Colour only repeats what the text says.
"""

from collections.abc import Iterator
from dataclasses import replace
from textwrap import wrap

from rich.style import Style
from rich.text import Text

from sselfie_insights.clock import write_moment
from sselfie_insights.money import write_major
from sselfie_insights.printable import clean, mark
from sselfie_insights.query.cells import HIDDEN, SUPPRESSED, write_cell
from sselfie_insights.query.table import display_width, lay_out, pad
from sselfie_insights.report.blocks import (
    Block,
    Chart,
    DataBlock,
    GapBlock,
    HeadlineBlock,
    NoteBlock,
    Page,
    SentencesBlock,
)
from sselfie_insights.report.draw.sparkline import draw_text
from sselfie_insights.report.grid import CohortGrid, GridCell, GridRow
from sselfie_insights.report.headline import Tile
from sselfie_insights.report.tables import RUNNING_MARK

# Lines of words are no longer than this, however wide the terminal.
_MEASURE = 76
_BAR_WIDTH = 30
# A chart's table on the terminal shows no more than its newest rows.
_CHART_ROWS = 13
_HEADING = Style(bold=True)
_QUIET = Style(dim=True)
_TONES = {"good": Style(color="green"), "bad": Style(color="red"), "neutral": Style()}
# What stands between a cohort's name and its size.
_STANDS_OUT = {"": "  ", "lower": " ↓", "higher": " ↑"}
_LIGHTEST, _DARKEST = (244, 234, 227), (143, 79, 52)


def render_text(page: Page, width: int | None = None) -> list[Text]:
    """Return ``page`` as styled lines; ``.plain`` of each is the text alone.

    Args:
        page: What to draw.
        width: Columns of the terminal; None for no limit, as in a file or a pipe.
    """
    lines = [
        Text(clean(page.report.title), _HEADING),
        *_paragraph(page.report.description, width=width),
        *_paragraph(
            f"As of {write_moment(page.stamp.as_of)}, days and months in {page.stamp.timezone}",
            _QUIET,
            width=width,
        ),
        *_paragraph(f"{page.trust}.", _QUIET, width=width),
        *(line for warning in page.warnings for line in _warn(warning, width)),
    ]
    for block in page.blocks:
        lines += [Text(), *_draw_block(block, width)]
    lines += [
        Text(),
        *_paragraph(
            f"{RUNNING_MARK} still running, in no mean; empty: not begun;"
            f" {SUPPRESSED} and {HIDDEN}: too few to show.",
            _QUIET,
            width=width,
        ),
        *_paragraph(
            f"Run {page.stamp.run_id or '-'}, version {page.stamp.version or '-'},"
            f" definitions {page.stamp.definitions}"
            + (f", publication {page.stamp.publication}." if page.stamp.publication else "."),
            _QUIET,
            width=width,
        ),
    ]
    for line in lines:
        line.plain = mark(line.plain)  # of the same length: styles keep their places
    return lines


def draw_brief(page: Page, width: int | None = None) -> list[Text]:
    """Return what ``page`` stands on, its first headline numbers and what changed.

    Numbers of lesser currencies are left out, as sentences name them.

    Args:
        page: What to draw.
        width: Columns of the terminal; None for no limit.
    """
    lines = [
        *_paragraph(f"As of {write_moment(page.stamp.as_of)}: {page.trust}.", width=width),
        *(line for warning in page.warnings for line in _warn(warning, width)),
    ]
    numbers = [block for block in page.blocks if isinstance(block, HeadlineBlock)]
    for block in numbers[:1]:
        first = tuple(tile for tile in block.tiles if not tile.rank)
        lines += [Text(), *_draw_tiles(replace(block, tiles=first), width)]
        if any(tile.is_running for tile in first):
            lines.append(Text(f"{RUNNING_MARK} still running.", _QUIET))
    for changes in page.blocks:
        if isinstance(changes, SentencesBlock):
            lines += [Text(), *_draw_block(changes, width)]
    for line in lines:
        line.plain = mark(line.plain)
    return lines


def _draw_block(block: Block, width: int | None) -> Iterator[Text]:
    match block:
        case HeadlineBlock():
            yield from _draw_tiles(block, width)
        case NoteBlock():
            if block.title:
                yield from _paragraph(block.title, _HEADING, width=width)
            yield from _paragraph(block.text, width=width)
        case SentencesBlock():
            yield from _paragraph(block.title, _HEADING, width=width)
            for sentence in block.sentences:
                yield from _paragraph(f"- {sentence.text}", width=width, hang="  ")
        case GapBlock():
            yield from _paragraph(block.title, _HEADING, width=width)
            yield from _paragraph(f"Not available: {block.reason}.", _QUIET, width=width)
        case DataBlock():
            yield from _paragraph(block.title, _HEADING, width=width)
            yield from _paragraph(block.text, width=width)
            if block.empty:
                yield from _paragraph(block.empty, _QUIET, width=width)
            elif block.grid is not None:
                yield from _draw_grid(block, block.grid, width)
            elif block.chart is not None:
                yield from _draw_chart(block.chart, width)
                if block.chart.kind != "waterfall":
                    yield from _draw_table(block, width, newest=_CHART_ROWS)
            else:
                yield from _draw_table(block, width)


def _draw_tiles(block: HeadlineBlock, width: int | None) -> Iterator[Text]:
    if block.title:
        yield from _paragraph(block.title, _HEADING, width=width)
    labels = max((display_width(tile.label) for tile in block.tiles), default=0)
    numbers = max((display_width(tile.value) for tile in block.tiles if tile.has_value), default=0)
    trends = max((len(tile.trend) for tile in block.tiles), default=0)
    periods = max((len(_write_period(tile)) for tile in block.tiles), default=0)
    changes = max((display_width(tile.change) for tile in block.tiles), default=0)
    is_narrow = False
    if width is not None:
        # Four gaps of two; a narrow terminal shows the newest points alone, then none, and puts
        # the change below its number.
        room = width - labels - numbers - periods - changes - 8
        trends, is_narrow = max(0, min(trends, room)), room < -2
    is_stacked = width is not None and labels + numbers + periods + 4 > width
    labels = 0 if is_stacked else labels
    for tile in block.tiles:
        if is_stacked:
            yield Text(clean(tile.label))
        line = Text("  " if is_stacked else pad(clean(tile.label), labels) + "  ")
        if tile.has_value:
            line.append(pad(tile.value, numbers, right=True) + "  ", _HEADING)
            if trends:
                line.append(pad(draw_text(tile.trend[-trends:]), trends) + "  ", _QUIET)
            line.append(pad(_write_period(tile), periods) + "  ")
            if not is_narrow:
                line.append(tile.change, _TONES[tile.tone])
        else:
            line.append(tile.value, _QUIET)
        line.rstrip()
        yield line
        if tile.change and is_narrow:
            yield from _hang(tile.change, labels + 2, _TONES[tile.tone], width)
        if tile.target:
            yield from _hang(tile.target, labels + 2, "", width)
        if tile.interval:
            yield from _hang(tile.interval, labels + 2, _QUIET, width)


def _hang(text: str, indent: int, style: Style | str, width: int | None) -> Iterator[Text]:
    """Lines below a number, at its left edge; where that leaves too little room, further left."""
    edge = " " * (indent if width is None or width >= indent + display_width(text) else 2)
    for line in _paragraph(text, style, width=None if width is None else width - len(edge)):
        yield Text(edge + line.plain, style)


def _write_period(tile: Tile) -> str:
    return tile.period + (RUNNING_MARK if tile.period and tile.is_running else "")


def _draw_grid(block: DataBlock, grid: CohortGrid, width: int | None) -> Iterator[Text]:
    labels = max([len("Cohort"), *(display_width(row.label) for row in grid.rows)])
    sizes = max([len("Size"), *(len(row.size) for row in grid.rows)])
    rows = [*grid.rows, *filter(None, (grid.mean, grid.mean_n))]
    cells = [_write_grid_cell(cell) for row in rows for cell in row.cells]
    intervals = [cell.interval for row in rows for cell in row.cells]
    wide = 1 + max(len(text) for text in [*cells, *grid.periods, *intervals])
    fixed = labels + 2 + sizes + 1
    count = len(grid.periods)
    shown = count if width is None else max(1, min(count, (width - fixed) // wide))
    yield from _paragraph(grid.unusual, width=width)
    head = "".join(pad(period, wide, right=True) for period in grid.periods[:shown])
    yield Text(pad("Cohort", labels) + "  " + pad("Size", sizes, right=True) + " " + head, _QUIET)
    for row in rows:
        yield _draw_grid_row(row, shown, (labels, sizes, wide), is_mean=row is grid.mean)
        if any(cell.interval for cell in row.cells[:shown]):
            ends = "".join(pad(f"{cell.interval} ", wide, right=True) for cell in row.cells[:shown])
            yield Text(" " * fixed + ends.rstrip(), _QUIET)
    if shown < count:
        needed = fixed + count * wide
        more = "1 more period needs" if count - shown == 1 else f"{count - shown} more periods need"
        words = f"{more} {needed} columns; this terminal has {width}."
        yield from _paragraph(words, _QUIET, width=width)
    if grid.is_rising:
        words = "* can still rise, until everyone has come back: older cohorts had more time."
        yield from _paragraph(words, _QUIET, width=width)
    if grid.hidden_cohorts or grid.hidden_periods:
        left = {"earlier cohorts": grid.hidden_cohorts, "later periods": grid.hidden_periods}
        words = ", ".join(f"{what} ({number})" for what, number in left.items() if number)
        yield from _paragraph(f"In {_files_of(block)}: {words}.", _QUIET, width=width)


def _draw_grid_row(
    row: GridRow, shown: int, widths: tuple[int, int, int], *, is_mean: bool
) -> Text:
    labels, sizes, wide = widths
    line = Text(style=_HEADING if is_mean else Style())
    line.append(
        pad(row.label, labels)
        + (_STANDS_OUT[row.stands_out])
        + pad(row.size, sizes, right=True)
        + " "
    )
    for cell in row.cells[:shown]:
        text = pad(_write_grid_cell(cell), wide, right=True)
        line.append(text, None if cell.share is None else _shade(cell.share))
    if all(cell.share is None for cell in row.cells[:shown]):
        line.rstrip()
    return line


def _write_grid_cell(cell: GridCell) -> str:
    mark = RUNNING_MARK if cell.state == "running" else " " if cell.text else ""
    return cell.text + mark


def _shade(share: float) -> Style:
    mixed = [
        round(light + (dark - light) * share)
        for light, dark in zip(_LIGHTEST, _DARKEST, strict=True)
    ]
    ink = "white" if share > 0.55 else "black"
    return Style(color=ink, bgcolor=f"rgb({mixed[0]},{mixed[1]},{mixed[2]})")


def _draw_chart(chart: Chart, width: int | None) -> Iterator[Text]:
    if chart.kind == "waterfall":
        yield from _draw_steps(chart, width)
        return
    if chart.kind == "bar":
        yield from _draw_bars(chart, width)
        if chart.period:
            yield Text(chart.period, _QUIET)
        return
    labels = max(display_width(clean(series.label)) for series in chart.series)
    for series in chart.series:
        newest = series.values[-max(min(_MEASURE, width or _MEASURE) - labels - 2, 1) :]
        yield Text(pad(clean(series.label), labels) + "  " + draw_text(newest))


def _draw_steps(chart: Chart, width: int | None = None) -> Iterator[Text]:
    labels = max(display_width(step.label) for step in chart.steps)
    numbers = [_write_value(abs(step.end - step.start), chart) for step in chart.steps]
    wide = max(len(number) for number in numbers)
    ends = [end for step in chart.steps for end in (step.start, step.end)]
    # What was given back can be more than all there was: then the axis begins below zero.
    least = min(0, *ends)
    scale = _bar_width(width, 2 + labels + 2 + wide + 2 + 1) / (max(0, *ends) - least or 1)
    signs = {"total": " ", "gain": "+", "loss": "\N{MINUS SIGN}"}
    for step, number in zip(chart.steps, numbers, strict=True):
        low, high = sorted((step.start, step.end))
        begin, end = round((low - least) * scale), round((high - least) * scale)
        bar = " " * begin + "█" * max(end - begin, 1 if high > low else 0)
        line = (
            f"{signs[step.kind]} {pad(step.label, labels)}  {pad(number, wide, right=True)}  {bar}"
        )
        yield Text(line.rstrip())
    yield Text(chart.period, _QUIET)


def _draw_bars(chart: Chart, width: int | None) -> Iterator[Text]:
    labels = max(display_width(clean(point)) for point in chart.points)
    room = _bar_width(width, labels + 2)
    for series in chart.series:
        top = max((value for value in series.values if value is not None), default=0) or 1
        for point, value in zip(chart.points, series.values, strict=True):
            bar = "█" * round((value or 0) / top * room)
            yield Text(f"{pad(clean(point), labels)}  {bar}".rstrip())


def _bar_width(width: int | None, before: int) -> int:
    """How long the longest bar is, right of ``before`` columns."""
    return _BAR_WIDTH if width is None else max(min(_BAR_WIDTH, width - before), 1)


def _write_value(value: float, chart: Chart) -> str:
    if chart.measure == "money":
        return write_major(value, chart.currency)
    return write_cell(value, "rate") if chart.measure == "rate" else f"{value:,.0f}"


def _draw_table(block: DataBlock, width: int | None, newest: int | None = None) -> Iterator[Text]:
    table, left_out = block.table, block.left_out
    if newest is not None and width is not None and len(table.rows) > newest:
        left_out += len(table.rows) - newest
        table = replace(table, rows=table.rows[-newest:])
    lines, hidden = lay_out(table, width)
    yield from (Text(line, "" if place else _QUIET) for place, line in enumerate(lines))
    if hidden:
        words = (
            f"Left out for {width} characters a line: {', '.join(hidden)};"
            f" all columns are in {_files_of(block)}."
        )
        yield from _paragraph(words, _QUIET, width=width)
    if left_out:
        words = "1 more row is" if left_out == 1 else f"{left_out} more rows are"
        yield from _paragraph(f"{words} in {_files_of(block)}.", _QUIET, width=width)


def _files_of(block: DataBlock) -> str:
    return f"--format csv --section {block.name}"


def _warn(warning: str, width: int | None) -> Iterator[Text]:
    measure = min(_MEASURE, width or _MEASURE)
    lines = wrap(clean(f"Please note: {warning}"), measure, subsequent_indent="  ")
    yield from (Text(line, _HEADING) for line in lines)


def _paragraph(
    text: str, style: Style | str = "", *, width: int | None, hang: str = ""
) -> Iterator[Text]:
    measure = min(_MEASURE, width or _MEASURE)
    lines = wrap(clean(text), measure, break_on_hyphens=False, subsequent_indent=hang)
    yield from (Text(line, style) for line in lines)
