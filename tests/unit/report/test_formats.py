"""The terminal, the page and the files hold the same cells, suppression included."""

import csv
import io
import json
import re
from datetime import date, datetime
from html import unescape
from typing import Any

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.library import Column
from sselfie_insights.query.write import to_csv, to_records
from sselfie_insights.report import Page
from sselfie_insights.report.blocks import DataBlock
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.report.draw.terminal import render_text
from sselfie_insights.report.formats import to_bytes


def read(text: str, column: Column) -> str:
    """Write the CSV's raw cell for people."""
    if text in ("", "<5", "hidden"):
        return text
    kinds: dict[str, Any] = {
        "cents": int, "count": int, "credits": int, "rate": float, "days": float,
        "number": float, "month": date.fromisoformat, "date": date.fromisoformat,
        "instant": datetime.fromisoformat, "flag": lambda word: word == "true",
    }  # fmt: skip
    return write_cell(kinds.get(column.unit, str)(text), column.unit)


def rows_of_csv(block: DataBlock) -> set[tuple[str, ...]]:
    content = csv.DictReader(io.StringIO(to_csv(block.result).decode(), newline=""))
    columns = block.result.columns
    return {tuple(sorted(read(row[name], columns[name]) for name in columns)) for row in content}


def blocks(pages: dict[str, Page]) -> list[tuple[Page, DataBlock]]:
    return [(page, block) for page in pages.values() for block in page.data.values()]


def test_what_people_read_is_what_the_files_hold(pages: dict[str, Page]) -> None:
    compared = 0
    for _, block in blocks(pages):
        there = rows_of_csv(block)
        for row in block.table.rows:
            cells = [
                re.sub(r"( \((<5|hidden)\))?\*?$", "", cell, count=1) for cell in row[:1]
            ] + row[1:]
            assert any(is_within(cells, raw) for raw in there), (block.name, row)
            compared += 1
    assert compared > 500


def is_within(cells: list[str], raw: tuple[str, ...]) -> bool:
    left = list(raw)
    for cell in cells:
        if cell not in left:
            return False
        left.remove(cell)
    return True


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
            value = "revenue_retention_rate" if "revenue" in block.name else "retention_rate"
            shown = [cell for row in block.grid.rows for cell in row.cells if cell.text]
            rates = [f"{r[value]:.0%}" for r in records if r[value] is not None]
            assert {cell.text for cell in shown} <= set(rates)
            for row in block.grid.rows:
                assert f'<th scope="row">{row.label}</th><td class="n size">' in text


def test_a_small_cohort_is_hidden_in_every_format(pages: dict[str, Page]) -> None:
    page = pages["retention"]
    block = page.data["subscriber-retention"]
    csv_rows = to_csv(block.result).decode().splitlines()
    assert csv_rows[1] == "all,2025-06-01,0,0,<5,,,,,,true"
    assert to_records(block.result)[0]["cohort_size"] == "<5"
    html = render_html(page)
    row = re.search(r'<tr><th scope="row">Jun 2025</th>(.*?)</tr>', html)
    assert row is not None
    assert re.sub(r"<[^>]+>", "", row[1]) == "&lt;5"
    line = next(x.plain for x in render_text(page) if x.plain.startswith("Jun 2025"))
    assert line.split() == ["Jun", "2025", "<5"]


def test_json_and_excel_hold_every_section(pages: dict[str, Page]) -> None:
    page = pages["churn"]
    content = json.loads(to_bytes(page, "json")[0])
    assert list(content["sections"]) == list(page.data)
    assert content["as_of"] == "2026-11-15T12:00:00Z"
    assert to_bytes(page, "xlsx")[0][:2] == b"PK"


def test_csv_holds_one_section_and_names_the_others(pages: dict[str, Page]) -> None:
    first, others = to_bytes(pages["churn"], "csv")
    assert first == to_csv(pages["churn"].data["logo-churn-rate"].result)
    assert others == [name for name in pages["churn"].data if name != "logo-churn-rate"]
    chosen, none = to_bytes(pages["churn"], "csv", "losses-by-kind")
    assert none == [] and chosen == to_csv(pages["churn"].data["losses-by-kind"].result)
    with pytest.raises(UsageError, match="no section 'losses'; did you mean 'losses-by-kind'"):
        to_bytes(pages["churn"], "csv", "losses")
