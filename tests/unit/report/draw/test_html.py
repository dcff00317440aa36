"""The page as a document: what a browser would load, what a reader would hear, what is hidden."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import Page, build_page, load_reports
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.report.results import Results
from tests.support.markup import find_faults

# 300 KB a page, DESIGN §6.
LARGEST = 300 * 1024
VOID = {"meta", "link", "br", "hr", "img", "input", "col"}
# Words of the models' own, by which the queries choose their rows; all other text is hostile.
FIXED = {"dimension", "grain", "state", "scope", "model", "step"}
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e=cmd()👩‍👧"


class Document(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    def find(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)


@pytest.fixture(scope="module")
def texts(pages: dict[str, Page]) -> dict[str, str]:
    return {name: render_html(page) for name, page in pages.items()}


def test_a_page_is_one_small_file_without_network(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        assert len(text.encode()) <= LARGEST, name
        document = Document(text)
        tags = {tag for tag, _ in document.tags}
        assert not tags & {"iframe", "object", "embed", "img", "base"} and not find_faults(text)
        # Retention has the one script, for the form that chooses among its curves.
        assert {"script", "form"} & tags == ({"script", "form"} if name == "retention" else set())
        for tag, attributes in document.tags:
            assert not any(key.startswith("on") for key in attributes), (name, tag)
            for key in ("href", "src", "xlink:href", "action"):
                target = attributes.get(key) or ""
                assert target.startswith(("#", "data:,")) or not target, (name, target)
        assert not re.findall(r"url\((?!#(?:hatch-|running))", text), name
        assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]+"|http-equiv', "", text), name


def test_equal_inputs_give_equal_bytes(pages: dict[str, Page], texts: dict[str, str]) -> None:
    assert render_html(pages["overview"]) == texts["overview"]


def test_headings_and_tables_can_be_heard(texts: dict[str, str]) -> None:
    for text in texts.values():
        document = Document(text)
        assert sum(1 for _ in document.find("h1")) == 1
        assert all(th.get("scope") in ("col", "row") for th in document.find("th"))
        identities = [value for _, a in document.tags if (value := a.get("id"))]
        assert len(identities) == len(set(identities))
        labelled = [a["aria-labelledby"] for _, a in document.tags if "aria-labelledby" in a]
        assert set(labelled) <= set(identities)
        pictures = [a for _, a in document.tags if a.get("role") == "img"]
        assert all(len(picture["aria-label"] or "") > 20 for picture in pictures)


def test_the_stamp_tells_how_to_make_the_page_again(texts: dict[str, str]) -> None:
    words = " ".join(Document(texts["revenue"]).words)
    for part in (
        "15 Nov 2026, 12:00 UTC", "run-1", "0.1.0", "Time zone",
        "sselfie report show revenue --format html -o revenue.html",
    ):  # fmt: skip
        assert part in words


def test_every_query_behind_a_page_is_defined_on_it(
    pages: dict[str, Page], texts: dict[str, str]
) -> None:
    for name, page in pages.items():
        words = " ".join(Document(texts[name]).words)
        for query in page.queries:
            assert query.name in words and query.grain in words


def test_cells_that_have_not_begun_are_empty(texts: dict[str, str]) -> None:
    row = re.search(r"<tr><th scope=\"row\">Oct 2026</th>.*?</tr>", texts["retention"])
    assert row is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row[0])
    assert cells[0] == "19"
    assert cells[1].startswith("100%") and cells[2].startswith("84%<span")
    assert set(cells[3:]) == {""}


def test_hostile_text_is_shown_and_never_run(business: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(business, tmp_path))
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into marts.email_by_type by name select 'welcome' as email_type,"
            " 9 as send_count, 9 as recipient_count, 5 as first_payment_count"
        )
        texts = connection.execute(
            "select table_schema || '.' || table_name, column_name from information_schema.columns"
            " where data_type = 'VARCHAR' and table_schema in ('marts', 'forecast', 'growth')"
            " union all values ('meta.contract_drift', 'detail'), ('meta.check_results', 'detail'),"
            " ('meta.check_results', 'table_name')"
        ).fetchall()
        for table, column in texts:
            if column not in FIXED and table != "marts.build_info":
                connection.execute(f"update {table} set {column} = {column} || $1", [HOSTILE])
        connection.execute("update marts.build_info set run_id = $1", [HOSTILE])
        connection.execute("update marts.academy_by_course set level = repeat('x', 10000)")
        connection.execute("update forecast.churn_risk_backtest set month = null")
    library, reports = load_library(), load_reports()
    hostile = set()
    with OpenWarehouse(path) as opened:
        site = Results(opened, library)
        for report in reports.values():
            site.add(report, {})
        for name, report in reports.items():
            given = {"breakdown": "product"} if name == "retention" else {}
            page = build_page(opened, report, library, given, results=None if given else site)
            text = render_html(page)
            document = Document(text)
            assert not find_faults(text) and not list(document.find("img")), name
            assert len(list(document.find("script"))) == 2 * (name == "retention")
            assert not re.search("<th[^>]*></th>", text), f"{name}: a heading of no words"
            assert not any(k.startswith("on") for _, a in document.tags for k in a), name
            shown = " ".join(document.words).count("<script>alert(1)")
            has_text = any(
                HOSTILE in str(value)
                for block in page.data.values()
                for row in block.result.frame.iter_rows()
                for value in row
            )
            assert (shown > 1) == has_text, f"{name}: once is the stamp"
            hostile |= {name} if has_text else set()
    assert len(hostile) > len(reports) / 2
