"""One chart as a picture to send: SVG or PNG, with its title, legend, caption and as-of."""

import re
from functools import cache
from html import escape
from textwrap import wrap

from sselfie_insights.clock import write_moment
from sselfie_insights.errors import UsageError
from sselfie_insights.report.blocks import Chart, DataBlock
from sselfie_insights.report.draw.charts import WIDE
from sselfie_insights.report.draw.drawing import draw_chart
from sselfie_insights.report.draw.html import write_caption
from sselfie_insights.resources import resource_dir
from sselfie_insights.warehouse.reading import Stamp

_MARGIN, _LINE = 24, 20
# Characters of a caption that fit beside each other.
_MEASURE = 150
# Pixels of a PNG for one of the SVG, so that it is sharp on every screen.
_SCALE = 2


def draw_picture(block: DataBlock, stamp: Stamp) -> str:
    """Return the chart of ``block`` as an SVG file that needs no style sheet.

    Raises:
        UsageError: The section has no chart.
    """
    chart = block.chart
    if chart is None:
        raise UsageError(
            f"section {block.name!r} has no chart",
            remedy="write it as html or csv",
        )
    drawing = draw_chart(chart, WIDE)
    width, height = _measure(drawing)
    texts = [_text(block.title, 40, size=24, font="serif")]
    top = 64
    if len(chart.series) > 1:
        x = _MARGIN
        for number, series in enumerate(chart.series, start=1):
            color = f"var(--series-{number})"
            texts.append(f'<rect x="{x}" y="{top - 11}" width="12" height="12" fill="{color}"/>')
            texts.append(_text(series.label, top, x=x + 18))
            x += 42 + 8 * len(series.label)
        top += _LINE
    body = f'<g transform="translate({_MARGIN},{top})">{drawing}</g>'
    y = top + height + _LINE
    as_of = f"As of {write_moment(stamp.as_of)}, days and months in {stamp.timezone}."
    for line in [*wrap(write_caption(block), _MEASURE), as_of]:
        texts.append(_text(line, y, color="var(--muted)"))
        y += _LINE
    return _frame(block.title, width + 2 * _MARGIN, y, "".join(texts) + body)


def draw_png(block: DataBlock, stamp: Stamp) -> bytes:
    """Return the picture of ``draw_picture`` as PNG."""
    return _to_png(draw_picture(block, stamp), _SCALE)


def draw_bare_png(chart: Chart, size: tuple[int, int], scale: float) -> bytes:
    """Return ``chart`` alone as a PNG of ``scale`` times ``size``, for where words stand beside."""
    drawing = draw_chart(chart, size)
    return _to_png(_frame(chart.summary, *_measure(drawing), drawing), scale)


def _to_png(picture: str, scale: float) -> bytes:
    import vl_convert

    return bytes(vl_convert.svg_to_png(picture, scale=scale))


def _measure(drawing: str) -> tuple[int, int]:
    """The width and height of a drawing."""
    found = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawing)
    assert found is not None  # noqa: S101  # vl-convert writes it
    return int(found[1]), int(found[2])


def _frame(title: str, width: int, height: int, body: str) -> str:
    """An SVG file on the paper of the light page, in its colours."""
    whole = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" font-family="sans-serif">'
        f"<title>{escape(title)}</title>{_hatches()}"
        f'<rect width="100%" height="100%" fill="var(--paper)"/>{body}</svg>'
    )
    colors = _read_colors()
    return re.sub(r"var\(--([\w-]+)\)", lambda match: colors[match[1]], whole)


def _text(
    words: str, y: int, *, x: int = _MARGIN, size: int = 13, font: str = "sans-serif",
    color: str = "var(--ink)",
) -> str:  # fmt: skip
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-family="{font}" fill="{color}">'
        f"{escape(words)}</text>"
    )


def _hatches() -> str:
    return "<defs>{}</defs>".format(
        "".join(
            f'<pattern id="hatch-{number}" width="5" height="5" patternUnits="userSpaceOnUse"'
            f' patternTransform="rotate(45)"><rect width="5" height="5" fill="var(--paper)"/>'
            f'<rect width="2" height="5" fill="var(--series-{number})"/></pattern>'
            for number in range(1, 7)
        )
    )


@cache
def _read_colors() -> dict[str, str]:
    """The colours of the light page, by name."""
    css = (resource_dir("reports") / "templates" / "report.css").read_text(encoding="utf-8")
    light = css.partition(":root {")[2].partition("}")[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", light))
