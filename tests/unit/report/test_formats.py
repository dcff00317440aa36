"""The terminal, the page and the files hold the same cells, suppression included."""

import csv
import io
import json
import re
import zipfile
from collections import Counter
from datetime import date, datetime
from html import unescape
from typing import Any
from xml.etree import ElementTree

import pytest

from sselfie_insights.definitions import DEFINITIONS
from sselfie_insights.errors import UsageError
from sselfie_insights.query.cells import write_cell, write_rows
from sselfie_insights.query.csv_file import to_csv
from sselfie_insights.query.header import Column
from sselfie_insights.query.write import to_records, to_text_table
from sselfie_insights.report import Page
from sselfie_insights.report.blocks import DataBlock
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.report.draw.terminal import render_text
from sselfie_insights.report.formats import to_bytes
from sselfie_insights.report.names import write_name


def read(text: str, column: Column, currency: str | None) -> str:
    """Write the CSV's raw cell for people."""
    if text in ("", "<5", "hidden"):
        return text
    kinds: dict[str, Any] = {
        "cents": int, "count": int, "credits": int, "rate": float, "days": float,
        "number": float, "month": date.fromisoformat, "date": date.fromisoformat,
        "instant": datetime.fromisoformat, "flag": lambda word: word == "true",
    }  # fmt: skip
    return write_cell(kinds.get(column.unit, str)(text), column.unit, currency)


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def blocks(pages: dict[str, Page]) -> list[tuple[Page, DataBlock]]:
    return [(page, block) for page in pages.values() for block in page.data.values()]


def test_the_csv_holds_every_row_cell_by_cell(pages: dict[str, Page]) -> None:
    for _, block in blocks(pages):
        columns = block.result.columns
        rows = read_csv(to_csv(block.result))
        written = [
            [read(row[name], columns[name], row.get("currency")) for name in columns]
            for row in rows
        ]
        assert written == to_text_table(block.result).rows, block.name


def test_a_section_shows_rows_of_the_csv_and_says_how_many_not(pages: dict[str, Page]) -> None:
    compared = 0
    for _, block in blocks(pages):
        raws = write_rows(block.result, in_words=True)
        columns = list(block.result.columns)
        left = [
            [
                write_name(name, cell, {}).replace("_", " ")
                for name, cell in zip(columns, raw, strict=True)
            ]
            for raw in raws
        ]
        if block.curves:  # in words and numbers of its own, see test_curves
            continue
        if len(block.table.rows) + block.left_out != len(left):
            assert block.chart is not None
            series = [one.label for one in block.chart.series]
            assert block.table.headers[1:] == series, block.name
            # A column for each colour of the bars: each cell is a row.
            for row in block.table.rows:
                point = re.sub(r"( \((<5|hidden)\))?\*?$", "", row[0])
                for label, cell in zip(series, row[1:], strict=True):
                    where = [point, label, cell]
                    assert (
                        not cell or label == "other" or any(is_within(where, raw) for raw in left)
                    ), (block.name, where)
                    compared += bool(cell)
            continue
        for row in block.table.rows:
            label = re.sub(r"( \((<5|hidden)\))?\*?$", "", row[0], count=1)
            cells = [cell.replace("_", " ") for cell in (label, *row[1:])]
            there = next((raw for raw in left if is_within(cells, raw)), None)
            assert there is not None, (block.name, row)
            left.remove(there)
            compared += 1
    assert compared > 500


def is_within(cells: list[str], raw: list[str]) -> bool:
    return not Counter(cells) - Counter(raw)


def test_the_page_holds_the_same_rows_as_the_terminal(pages: dict[str, Page]) -> None:
    for page in pages.values():
        text = render_html(page)
        rows = [
            tuple(
                unescape(re.sub(r"<[^>]+>", "", cell)).strip()
                for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
            )
            for row in re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.DOTALL)
        ]
        lines = {re.sub(r"\s+", " ", line.plain).strip() for line in render_text(page)}
        for block in page.data.values():
            if block.empty or block.grid:
                continue
            for row in block.table.rows:
                assert tuple(row) in rows
                if block.chart is None or block.chart.kind != "waterfall":
                    assert " ".join(cell for cell in row if cell) in lines


def test_grids_hold_the_rates_of_the_files(pages: dict[str, Page]) -> None:
    for page in pages.values():
        text = render_html(page)
        for block in page.data.values():
            if block.grid is None:
                continue
            records = to_records(block.result)
            shown = [cell for row in block.grid.rows for cell in row.cells if cell.text]
            if block.name == "revenue-per-person":
                value = "cumulative_net_cents_per_person"
                texts = {f"${r[value] / 100:,.2f}" for r in records if r[value] is not None}
            else:
                value = "revenue_retention_rate" if "revenue" in block.name else "retention_rate"
                texts = {f"{r[value]:.0%}" for r in records if r[value] is not None}
            assert {cell.text for cell in shown} <= texts
            for row in block.grid.rows:
                assert f'<th scope="row">{row.label}</th><td class="n size">' in text


def test_a_small_cohort_is_hidden_in_every_format(pages: dict[str, Page]) -> None:
    page = pages["retention"]
    block = page.data["subscriber-retention"]
    csv_rows = to_csv(block.result).decode().splitlines()
    # Of the first cohorts, whose sum bounds them closely, it is not said that they are small.
    assert csv_rows[1] == "all,2025-06-01,0,0,hidden,hidden,hidden,,,,,true,true,false"
    assert to_records(block.result)[0]["cohort_size"] == "hidden"
    html = render_html(page)
    row = re.search(r'<tr><th scope="row">Jun 2025</th>(.*?)</tr>', html)
    assert row is not None
    assert re.sub(r"<[^>]+>", "", row[1]) == "hidden"
    line = next(x.plain for x in render_text(page) if x.plain.startswith("Jun 2025"))
    assert line.split() == ["Jun", "2025", "hidden"]


STAMP = {
    "as_of": "2026-11-15T12:00:00Z",
    "timezone": "UTC",
    "run_id": "run-1",
    "version": "0.1.0",
    "definitions": DEFINITIONS,
    "publication": None,
    "parameters": {},
    "notices": [],
    "restated": {},
}


def test_json_holds_the_cells_of_every_csv(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        content = json.loads(to_bytes(page, "json")[0])
        sections, sentences = content.pop("sections"), content.pop("sentences")
        assert list(sentences) == (["since-last-week"] if name == "overview" else [])
        assert content == {"report": name, **STAMP, "gaps": {}}
        assert list(sections) == list(page.data)
        for section, records in sections.items():
            result = page.data[section].result
            assert all(list(record) == list(result.columns) for record in records)
            cells = [{key: cell_of(value) for key, value in record.items()} for record in records]
            assert cells == read_csv(to_csv(result)), section


def cell_of(value: object) -> str:
    """Write JSON's value as CSV does: nothing for null, false and true, digits, words."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_excel_holds_every_section(pages: dict[str, Page]) -> None:
    for page in pages.values():
        book = zipfile.ZipFile(io.BytesIO(to_bytes(page, "xlsx")[0]))
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == len(page.data) + 2  # the contents, and what columns mean


def test_csv_holds_one_section_and_names_the_others(pages: dict[str, Page]) -> None:
    first, others = to_bytes(pages["churn"], "csv")
    assert first == to_csv(pages["churn"].data["logo-churn-rate"].result)
    assert others == [name for name in pages["churn"].data if name != "logo-churn-rate"]
    chosen, none = to_bytes(pages["churn"], "csv", "losses-by-kind")
    assert none == [] and chosen == to_csv(pages["churn"].data["losses-by-kind"].result)
    with pytest.raises(UsageError, match="no section 'losses'; did you mean 'losses-by-kind'"):
        to_bytes(pages["churn"], "csv", "losses")


def test_a_chart_is_a_picture_that_stands_alone(pages: dict[str, Page]) -> None:
    content, others = to_bytes(pages["overview"], "svg", "logo-churn")
    text = content.decode()
    root = ElementTree.fromstring(text)  # noqa: S314
    assert others == [] and root.tag.endswith("svg")
    # Nothing of a page's style sheet is left, and the legend, caption and as-of are in it.
    assert "var(" not in text and "Logo churn" in text
    assert "Shaded: the 95 % interval." in text and "As of 15 Nov 2026, 12:00 UTC" in text
    assert not re.findall(r"url\((?!#hatch-)", text) and "<script" not in text
    png, _ = to_bytes(pages["overview"], "png", "logo-churn")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == tuple(2 * int(root.attrib[side]) for side in ("width", "height"))
    assert to_bytes(pages["overview"], "svg", "logo-churn")[0] == content


def test_a_picture_is_of_one_chart(pages: dict[str, Page]) -> None:
    with pytest.raises(UsageError, match="a picture holds one chart") as raised:
        to_bytes(pages["overview"], "png")
    assert raised.value.remedy is not None and "what-moved-mrr" in raised.value.remedy
    with pytest.raises(UsageError, match="a picture holds one chart"):
        to_bytes(pages["overview"], "svg", "this-week")


def test_a_section_alone_is_a_page(pages: dict[str, Page]) -> None:
    text = to_bytes(pages["overview"], "html", "logo-churn")[0].decode()
    assert 'id="logo-churn"' in text and 'id="this-week"' not in text
    assert "15 Nov 2026, 12:00 UTC" in text
