"""Draw a page as one HTML file: no network, everything inside, complete without its script."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sselfie_insights.clock import write_moment
from sselfie_insights.manifest import ListedFile
from sselfie_insights.printable import mark
from sselfie_insights.query.cells import HIDDEN, SUPPRESSED
from sselfie_insights.query.lineage import read_tables
from sselfie_insights.report.blocks import (
    Chart,
    DataBlock,
    GapBlock,
    HeadlineBlock,
    NoteBlock,
    Page,
    SentencesBlock,
)
from sselfie_insights.report.draw.sparkline import draw_path
from sselfie_insights.resources import resource_dir
from sselfie_insights.warehouse.gaps import Gap, OnGap, attempt


@dataclass(frozen=True)
class SiteContents:
    """The site that a page is part of.

    Attributes:
        pages: Its pages, in order.
        names: Their files, by the name of the report.
        tables: The files with tables, for the page that lists the site's contents; else empty.
    """

    pages: Sequence[Page]
    names: Mapping[str, str]
    tables: Sequence[ListedFile]


def render_html(
    page: Page, *, site: SiteContents | None = None, on_gap: OnGap | None = None
) -> str:
    """Return ``page`` as HTML.

    Args:
        page: What to draw.
        site: The site that it is part of; None for a lone page, which links to no file beside it.
        on_gap: Receives the charts that cannot be drawn; the page then says so. Without it the
            first such failure is raised.
    """

    def draw(block: DataBlock) -> dict[str, Markup] | None:
        what = f"the chart {block.title!r} of report {page.report.name}"
        drawing = attempt(what, partial(_draw, block.chart), on_gap)
        return None if isinstance(drawing, Gap) else drawing

    template = _environment().get_template("report.html")
    has_script = any(block.curves and not block.empty for block in page.data.values())
    script = _read_script() if has_script else ""
    return template.render(page=page, site=site, draw=draw, script=script)


@cache
def _read_script() -> Markup:
    """The one script of pages; nothing of the data is in it."""
    path = resource_dir("reports") / "templates" / "curves.js"
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704


def hash_script(script: str) -> str:
    """Return the hash by which a page's policy allows its own script, and no other."""
    return "sha256-" + b64encode(sha256(script.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    folder = resource_dir("reports") / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.globals |= {
        "style": Markup((folder / "report.css").read_text(encoding="utf-8")),  # noqa: S704
        "draw_path": draw_path,
        "read_tables": read_tables,
        "hash_script": hash_script,
        "Markup": Markup,
        "write_caption": write_caption,
    }
    environment.filters["instant"] = write_moment
    # Nothing in a title may end the text of a style sheet.
    environment.filters["css"] = lambda text: re.sub(r"[^\w .,:-]", " ", text)
    environment.filters["unbroken"] = lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%")
    environment.tests["headline"] = lambda block: isinstance(block, HeadlineBlock)
    environment.tests["gap"] = lambda block: isinstance(block, GapBlock)
    environment.tests["sentences"] = lambda block: isinstance(block, SentencesBlock)
    environment.tests["note"] = lambda block: isinstance(block, NoteBlock)
    return environment


def _visible(value: object) -> object:
    """Put a visible mark for characters of a text that no page may hold, or that turn it."""
    return mark(value) if type(value) is str else value


def _draw(chart: Chart | None) -> dict[str, Markup]:
    """The drawings of ``chart``; vl-convert has escaped the text in them."""
    assert chart is not None  # noqa: S101  # the template asks where there is one
    from sselfie_insights.report.draw.charts import NARROW, WIDE
    from sselfie_insights.report.draw.drawing import draw_chart

    sizes = {"wide": WIDE, "narrow": NARROW}
    return {
        name: Markup(mark(draw_chart(chart, size)))  # noqa: S704
        for name, size in sizes.items()
    }


def write_caption(block: DataBlock) -> str:
    """What the drawing of ``block`` means by its strokes, and what it leaves out."""
    chart, sentences = block.chart, []
    if chart is None:
        return ""
    is_line = chart.kind == "line"
    if chart.period:
        sentences.append(chart.period)
    elif not all(chart.complete):
        sentences.append(f"{'Dashed and hollow' if is_line else 'Hatched'}: still running.")
    if chart.has_intervals:
        of = f" of “{chart.series[0].label}”" if len(chart.series) > 1 else ""
        sentences.append(f"{'Shaded' if is_line else 'Thin lines'}: the 95 % interval{of}.")
    if block.is_partial:
        sentences += _explain_hidden(chart)
    sentences += [f"{number}: {text}." for number, (_, text) in enumerate(chart.events, start=1)]
    if chart.range[0] > 0:
        sentences.append("The axis does not begin at 0.")
    if chart.is_cut:
        sentences.append("Intervals reach out of the axis.")
    return " ".join(sentences)


def _explain_hidden(chart: Chart) -> list[str]:
    """What the marks of ``chart`` for hidden numbers of people mean."""
    small, near = "groups of fewer than five people", "larger groups that would give one away"
    if chart.kind != "bar":
        words = f"{small}, or {near}" if HIDDEN in chart.hidden else small
        return [f"Hollow squares on the axis: {words}, not zero."]
    said = {SUPPRESSED: f"{SUPPRESSED}: {small}, not zero.", HIDDEN: f"{HIDDEN}: {near}."}
    return [words for mark, words in said.items() if mark in chart.hidden]
