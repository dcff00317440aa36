"""What every report looks like, kept as files; ``UPDATE_GOLDEN=1 pytest tests/golden`` renews them.

Pages with charts are not kept: the drawing depends on the machine's fonts. Nor is the style
sheet, which tests/browser looks at.
"""

import os
import re
from pathlib import Path

import pytest

from sselfie_insights.report import Page, load_reports
from sselfie_insights.report.formats import to_bytes

FOLDER = Path(__file__).parent / "reports"
CASES = [(name, form) for name in load_reports() for form in ("table", "csv")]
CASES += [(name, "html") for name in ("retention", "quality")] + [("churn", "json")]


@pytest.mark.parametrize(("name", "form"), CASES, ids=lambda value: value)
def test_a_report_is_as_it_was(pages: dict[str, Page], name: str, form: str) -> None:
    content, _ = to_bytes(pages[name], form)
    path = FOLDER / f"{name}.{'txt' if form == 'table' else form}"
    if form == "html":
        content = re.sub(rb"<style>.*?</style>", b"", content, flags=re.DOTALL)
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    assert content.decode() == path.read_text(encoding="utf-8")
