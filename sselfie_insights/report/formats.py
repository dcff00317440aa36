"""A whole report as bytes, in every format."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.printable import clean
from sselfie_insights.query import write
from sselfie_insights.query.library import Query, find_query
from sselfie_insights.query.run import run_query
from sselfie_insights.query.workbook import to_workbook
from sselfie_insights.report.blocks import Page, SentencesBlock
from sselfie_insights.report.definition import (
    CurvesSection,
    DataSection,
    NoteSection,
    Report,
    SentencesSection,
)
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.report.draw.terminal import render_text
from sselfie_insights.report.page import unique_name
from sselfie_insights.report.rows import split, title_part
from sselfie_insights.report.signed import describe_restated
from sselfie_insights.warehouse.gaps import OnGap
from sselfie_insights.warehouse.reading import OpenWarehouse


def to_bytes(
    page: Page, form: str, section: str | None = None, on_gap: OnGap | None = None
) -> tuple[bytes, list[str]]:
    """Return ``page`` in the format ``form``, and the names of sections left out.

    CSV and Parquet hold one table: ``section``, else the first with rows; SVG and PNG one chart. A
    text, Markdown, JSON, Excel and HTML hold all, or ``section`` alone.

    Args:
        page: What to write.
        form: The format.
        section: The name of the only section wanted.
        on_gap: Receives the charts that cannot be drawn; without it the first failure is raised.

    Raises:
        UsageError: There is no such section, or the format cannot hold it.
    """
    if section is not None:
        page = choose_section(page, section)
    if form == "html":
        return render_html(page, on_gap=on_gap).encode(), []
    if form in ("svg", "png"):
        return _to_picture(page, form)
    if form == "table":
        return ("\n".join(line.plain for line in render_text(page)) + "\n").encode(), []
    if form == "markdown":
        tables = [
            f"## {clean(block.title)}\n\n{write.to_markdown(block.table)}"
            for block in page.data.values()
        ]
        return "\n".join(tables).encode(), []
    results = {name: block.result for name, block in page.data.items()}
    if form == "xlsx":
        return to_workbook(results, page.gaps), []
    if form == "json":
        content = {
            "report": page.report.name,
            "as_of": page.stamp.as_of.isoformat().replace("+00:00", "Z"),
            "timezone": page.stamp.timezone,
            "run_id": page.stamp.run_id,
            "version": page.stamp.version,
            "definitions": page.stamp.definitions,
            "publication": page.stamp.publication,
            "parameters": page.values,
            "notices": page.warnings,
            "restated": {
                name: words
                for name, result in results.items()
                if (words := describe_restated(result, {each: each for each in result.columns}))
            },
            "gaps": page.gaps,
            "sentences": {
                block.name: [asdict(each) for each in block.sentences]
                for block in page.blocks
                if isinstance(block, SentencesBlock)
            },
            "sections": {name: write.to_records(result) for name, result in results.items()},
        }
        return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode(), []
    if not results:
        raise UsageError(f"report {page.report.name} holds no table", remedy="use --format html")
    chosen = next((n for n, result in results.items() if result.frame.height), next(iter(results)))
    content_bytes = write.to_bytes(results[chosen], "csv" if form == "csv" else "parquet")
    return content_bytes, [name for name in page.data if name != chosen]


def _to_picture(page: Page, form: str) -> tuple[bytes, list[str]]:
    from sselfie_insights.report.draw.picture import draw_picture, draw_png

    charts = [block for block in page.data.values() if block.chart is not None]
    if len(charts) != 1:
        names = ", ".join(block.name for block in charts)
        raise UsageError(
            "a picture holds one chart",
            remedy=f"choose it with --section: {names}" if charts else "use --format html",
        )
    if form == "png":
        return draw_png(charts[0], page.stamp), []
    return draw_picture(charts[0], page.stamp).encode(), []


def name_sections(
    warehouse: OpenWarehouse, report: Report, library: Mapping[str, Query]
) -> list[str]:
    """Return the names of the sections with data that the page of ``report`` would have.

    It runs the queries of those that are repeated, for a currency say, and suppresses nothing.

    Raises:
        UsageError: A query is unknown, or fails.
    """
    found: list[str] = []
    names: set[str] = set()
    for section in report.sections:
        if isinstance(section, NoteSection | SentencesSection):
            if section.title:
                unique_name(section.title, names)
        elif isinstance(section, CurvesSection):
            found.append(unique_name(section.title, names))
        elif isinstance(section, DataSection):
            parts = [""]
            if section.each:
                query = find_query(section.query, library)
                whole = run_query(warehouse, query, section.values)
                parts = [suffix for suffix, _ in split(whole, section.each)[0]]
            found += [unique_name(title_part(section.title, part), names) for part in parts]
    return found


def choose_section(page: Page, section: str) -> Page:
    """Return ``page`` with one section alone.

    Raises:
        UsageError: There is no such section; the message offers the nearest.
    """
    if section not in page.data:
        raise UsageError(
            f"report {page.report.name} has no section {section!r}{nearest(section, page.data)}",
            remedy=f"sections: {', '.join(page.data)}",
        )
    return replace(page, blocks=(page.data[section],))
