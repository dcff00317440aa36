import pytest

from sselfie_insights.query.table import display_width
from sselfie_insights.report import Page
from sselfie_insights.report.blocks import Chart, Step
from sselfie_insights.report.draw.terminal import _draw_steps, render_text
from sselfie_insights.report.formats import choose_section


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_every_line_fits_the_terminal(pages: dict[str, Page], width: int) -> None:
    for page in pages.values():
        for line in render_text(page, width):
            assert display_width(line.plain) <= width, line.plain


def test_what_does_not_fit_is_told(pages: dict[str, Page]) -> None:
    text = "\n".join(line.plain for line in render_text(pages["retention"], 80))
    assert "more periods need" in text and "this terminal has 80" in text
    wide = "\n".join(line.plain for line in render_text(pages["retention"], None))
    assert "more periods need" not in wide


def test_words_that_do_not_fit_beside_a_row_are_broken_into_lines(pages: dict[str, Page]) -> None:
    row = pages["growth"].data["alerts"].table.rows[0]
    finding = max(row, key=len)
    lines = [line.plain for line in render_text(pages["growth"], 80)]
    at = next(index for index, line in enumerate(lines) if line.startswith(row[0]))
    first, second = finding[:20].rpartition(" ")[0], lines[at + 1].strip()
    assert first in lines[at] and finding not in lines[at]
    assert second and second in finding
    wide = [line.plain for line in render_text(pages["growth"], None)]
    assert any(line.startswith(row[0]) and finding in line for line in wide)


def test_colour_only_repeats_the_text(pages: dict[str, Page]) -> None:
    for page in pages.values():
        for line in render_text(page, 120):
            assert "\x1b" not in line.plain
    lines = render_text(pages["retention"], 200)
    row = next(line for line in lines if line.plain.startswith("Dec 2025"))
    assert "56%" in row.plain
    assert any("on rgb" in str(span.style) for span in row.spans)


def test_incomplete_cells_and_small_cohorts_read_without_colour(pages: dict[str, Page]) -> None:
    lines = [line.plain for line in render_text(pages["retention"], None)]
    newest = next(line for line in lines if line.startswith("Nov 2026"))
    assert newest.split() == ["Nov", "2026", "20", "100%*"]
    assert next(line for line in lines if line.startswith("Jun 2025")).split() == [
        "Jun", "2025", "hidden",
    ]  # fmt: skip


def test_a_terminal_shows_the_newest_thirteen_rows_behind_a_chart(pages: dict[str, Page]) -> None:
    """A year and the month that runs; a file or a pipe gets all of them."""
    block = pages["churn"].data["logo-churn-rate"]
    labels = [row[0] for row in block.table.rows]
    assert block.chart is not None and len(labels) == 18
    whole = choose_section(pages["churn"], block.name)
    for width, shown in ((100, labels[-13:]), (None, labels)):
        lines = [line.plain for line in render_text(whole, width)]
        assert [label for label in labels if any(line.startswith(label) for line in lines)] == shown
        printed = f"5 more rows are in --format csv --section {block.name}."
        assert (printed in lines) == (shown != labels)


def test_a_fall_far_below_zero_is_a_bar_and_no_end_of_memory() -> None:
    """From 1 cent to ten trillion dollars below zero: by the height alone it would have no end."""
    steps = (
        Step("Opening", 0, 0.01, "total"),
        Step("Churn", 0.01, -1e13, "loss"),
        Step("Closing", 0, -1e13, "total"),
    )
    chart = Chart(
        kind="waterfall", points=(), series=(), steps=steps, complete=(), measure="money",
        summary="", currency="usd",
    )  # fmt: skip
    opening, churn, closing, _ = [line.plain for line in _draw_steps(chart)]
    assert opening.count("█") == 1
    assert churn.count("█") == closing.count("█") == len(closing) - closing.index("█")
    assert len(closing) < 80
