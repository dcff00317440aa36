"""The eight questions of docs/reading-reports.md, asked at a desk and on a telephone, no script."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

# Where each is answered, and what the answer looks like.
ANSWERS = {
    "How is MRR moving?": ("index", "#since-last-week", r"MRR is \$[\d,.]+, .* than a week ago"),
    "Why?": ("why", "#by-product", r"Product\s+Change"),
    "Which cohort is bad?": (
        "retention", "#subscriber-retention .verdict", r"the others lead to expect"
    ),
    "Which segment retains best?": (
        "retention", "#which-segment-comes-back .verdict", r"In month 6, .*\d+% \(\d+-\d+\) of \d+"
    ),
    "What should I do this week?": ("index", "#this-week", r"sselfie segment export \w+"),
    "Is it trustworthy?": ("index", ".title .asof", r"\d+ of \d+ checks passed"),
    "What changed since last week?": ("index", "#since-last-week", r"signed up in the last seven"),
    "What does this term mean?": ("glossary", "#quick-ratio", r"MRR gained divided by MRR lost"),
    "How do I send one chart?": ("index", "#logo-churn .files", r"Picture: SVG"),
}  # fmt: skip


@pytest.mark.parametrize("width", [1280, 390])
def test_each_question_is_answered_where_the_documentation_says(
    browser: Browser, site: Path, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=False
    )
    page = context.new_page()
    for question, (name, place, words) in ANSWERS.items():
        page.goto((site / f"{name}.html").as_uri())
        found = page.locator(place)
        assert found.is_visible(), question
        assert re.search(words, found.inner_text()), (question, found.inner_text())
        if name != "index":
            page.goto((site / "index.html").as_uri())
            assert page.locator(f'a[href="{name}.html"]').first.is_visible(), question
    context.close()


def test_the_documentation_names_each_question() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reading-reports.md").read_text(encoding="utf-8")
    for question, (name, place, _) in ANSWERS.items():
        page = "overview" if name == "index" else name
        [row] = [line for line in text.splitlines() if line.startswith(f"| {question}")]
        assert f"`{page}`" in row, question
        assert place.split()[0].removeprefix("#") in row or place.startswith(".title"), question
