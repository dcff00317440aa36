"""What strangers wrote cannot redraw a terminal, turn a page's text or be taken for a formula."""

import csv
import io
import re

import pytest

from sselfie_insights.cli.progress import progress_bar
from sselfie_insights.printable import clean, clean_lines, mark, neutralize
from sselfie_insights.query.header import Column
from sselfie_insights.query.result import Result
from sselfie_insights.query.write import to_bytes

# Titles, colours, a cleared screen, links, a bell, C1 controls, turned text, hidden tags.
HOSTILE = (
    *("\x1b]0;owned\x07", "\x1b[31mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b]8;;http://x\x1b\\link"),
    *("a\x07\x08\x08b", "\x9b31m", "\u202egpj.exe", "\u2066a\u2069", "a\u200fb", "x\u2028y"),
    *("\U000e0041", "\r\noverwritten", "a\x00b", "\x7f"),
)
DANGEROUS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\U000e0041]"
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_is_left_that_moves_or_turns(text: str) -> None:
    assert not DANGEROUS.search(clean(text)) and "\n" not in clean(text)
    assert not DANGEROUS.search(clean_lines(f"{text}\nsecond").replace("\n", ""))
    assert not DANGEROUS.search(mark(text).replace("\r\n", ""))
    assert len(mark(text)) == len(text)


@pytest.mark.parametrize("text", ["Zoë", "عربى", "日本語", "👩‍👩‍👧", "a\tb\nc", "naïve — “quoted”"])
def test_other_scripts_stay_on_pages(text: str) -> None:
    assert mark(text) == text


@pytest.mark.parametrize("separator", [";", "\t", "|", "\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", '"=', "'="])
def test_no_separator_makes_a_formula_of_a_text(separator: str, start: str) -> None:
    """Read with another country's separator, and by one that ignores quotes, no cell begins so."""
    text = f"name{separator}{start}cmd|'/c calc'!A0"
    result = Result(
        "q", [(text, 1)], {"t": Column(unit="text", description=""),
                           "n": Column(unit="count", description="")}, (), (), {}, None,
    )  # fmt: skip
    written = to_bytes(result, "csv").decode()
    assert next(iter(list(csv.reader(io.StringIO(written, newline="")))[1:]))[0] == neutralize(text)
    for delimiter in ";\t|":
        for row in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter):
            assert not [cell for cell in row if cell.startswith(("=", "+", "@", "\uff1d"))]
    naive = re.split("[;\t|\r\n]", written)
    assert not [cell for cell in naive if re.match('"*[=+@\uff1d-]', cell)]


def test_harmless_texts_stay_as_they_are() -> None:
    for text in ("a-b", "1; 2", "x = y", "a,b", "Photo (2024-01-01)", "a;b", "e-mail|sms"):
        assert neutralize(text) == text


def test_a_name_is_no_markup_of_a_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with progress_bar("sync") as on_progress:
        assert on_progress is not None
        on_progress(1, 2, "public.[/nothing] [red]x[/red] \x1b]0;owned\x07")
    drawn = stream.getvalue()
    assert "[red]x[/red]" in drawn
    assert "\x1b]0;" not in drawn
