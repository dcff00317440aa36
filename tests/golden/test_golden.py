"""What reports look like, kept as files; ``UPDATE_GOLDEN=1 pytest tests/golden`` renews them all.

Charts are left out, since their drawing depends on the machine's fonts, and so is the style sheet,
which tests/browser looks at.
"""

import os
import re
from pathlib import Path

import pytest

from sselfie_insights.report import Page, load_reports
from sselfie_insights.report.draw import html
from sselfie_insights.report.formats import to_bytes

FOLDER = Path(__file__).parent / "reports"
FORMATS = {".txt": "table", ".html": "html"}
IS_RENEWED = bool(os.environ.get("UPDATE_GOLDEN"))
FILES = {path.name for path in FOLDER.iterdir()}
if IS_RENEWED:
    FILES |= {f"{report}.txt" for report in load_reports()}


@pytest.fixture(autouse=True)
def _no_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = html._environment()
    monkeypatch.setitem(environment.globals, "draw", lambda chart: {"wide": "", "narrow": ""})


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_report_is_as_it_was(pages: dict[str, Page], file: str) -> None:
    path = FOLDER / file
    content, _ = to_bytes(pages[path.stem], FORMATS[path.suffix])
    content = re.sub(rb"<style>.*?</style>", b"", content, flags=re.DOTALL)
    if IS_RENEWED:
        path.write_bytes(content)
    assert content.decode() == path.read_text(encoding="utf-8")
