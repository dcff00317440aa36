"""What every report looks like, kept as files; ``UPDATE_GOLDEN=1 pytest tests/golden`` renews them.

Charts are left out, since their drawing depends on the machine's fonts, and so is the style sheet,
which tests/browser looks at. Of what would be long files only the checksums are kept.
"""

import hashlib
import os
import re
from pathlib import Path

import pytest

from sselfie_insights.report import Page, load_reports
from sselfie_insights.report.draw import html
from sselfie_insights.report.formats import to_bytes

FOLDER = Path(__file__).parent / "reports"
CHECKSUMS = FOLDER / "checksums.txt"
CASES = [(name, form) for name in load_reports() for form in ("table", "csv")]
CASES += [(name, "html") for name in ("retention", "quality")] + [("churn", "json")]


@pytest.fixture(autouse=True)
def _no_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = html._environment()
    monkeypatch.setitem(environment.globals, "draw", lambda chart: {"wide": "", "narrow": ""})


@pytest.mark.parametrize(("name", "form"), CASES, ids=lambda value: value)
def test_a_report_is_as_it_was(pages: dict[str, Page], name: str, form: str) -> None:
    path = FOLDER / f"{name}.{'txt' if form == 'table' else form}"
    content = write(pages[name], form)
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    assert content.decode() == path.read_text(encoding="utf-8")


def test_every_report_is_as_it_was_in_the_long_formats(pages: dict[str, Page]) -> None:
    lines = [
        f"{hashlib.sha256(write(page, form)).hexdigest()}  {name}.{form}"
        for name, page in pages.items()
        for form in ("html", "json")
    ]
    if os.environ.get("UPDATE_GOLDEN"):
        CHECKSUMS.write_text("\n".join(lines) + "\n")
    assert lines == CHECKSUMS.read_text().splitlines(), "look at these reports, then renew them"


def write(page: Page, form: str) -> bytes:
    content, _ = to_bytes(page, form)
    if form == "html":
        content = re.sub(rb"<style>.*?</style>", b"", content, flags=re.DOTALL)
    return content
