"""Pages of any text are well formed, and hold nothing that a browser would run."""

from pathlib import Path

import pytest

from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import Page, build_page
from sselfie_insights.report.definition import NoteSection, Report
from sselfie_insights.report.draw.html import render_html
from tests.support.hostile import TEXTS
from tests.support.markup import find_faults


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("<p><b>x</p></b>", "</p> closes another element, or none"),
        ("<p>", "<p> is never closed"),
        ("<p id=a></p><p id=a></p>", "two elements have the id a"),
        ("<p onclick=x></p>", "<p> has the handler onclick"),
        ("<script>1</script>", "there is a <script> that the page's policy does not allow"),
        ("<p>\x0b</p>", "there is the control character U+000B"),
    ],
)
def test_every_kind_of_fault_is_found(page: str, fault: str) -> None:
    assert fault in find_faults(page)


def test_every_packaged_page_is_well_formed(pages: dict[str, Page]) -> None:
    assert {name: find_faults(render_html(page)) for name, page in pages.items()} == {
        name: [] for name in pages
    }


def test_no_text_breaks_a_page(business: Path) -> None:
    report = Report(
        name="hostile",
        path=Path(),
        title=TEXTS[5],
        description=TEXTS[6],
        sections=tuple(NoteSection(type="note", title=text, text=text) for text in TEXTS),
    )
    with OpenWarehouse(business) as opened:
        page = build_page(opened, report, load_library())
    html = render_html(page)
    assert find_faults(html) == []
    assert "<p>\ufffd</p>" in html  # the vertical tab
