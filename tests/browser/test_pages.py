"""Every page as Chromium shows it: light and dark, narrow and wide, printed, by keyboard."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Request
from playwright.sync_api import Page as Tab

from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import build_page, load_reports
from sselfie_insights.report.draw.html import render_html

NAMES = ("index", *(name for name in load_reports() if name != "overview"))
SAMPLE = ("index", "retention", "forecast", "quality")
"""Pages that hold every kind of section between them."""

EACH_PAGE = pytest.mark.parametrize(
    "name",
    [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in NAMES],
)
# WCAG 2.2 AA for text of normal size.
CONTRAST = 4.5

MEASURE = """() => {
  const luminance = ([r, g, b]) => [r, g, b]
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = color => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map(v => v / 255);
  };
  const solid = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgb(getComputedStyle(e).backgroundColor);
      if (color[3] === 1) return color;
    }
    return [1, 1, 1, 1];
  };
  const found = [];
  const texts = 'p, th, td, small, a, summary, dt, dd, li, h1, h2, code, figcaption, caption';
  for (const element of document.querySelectorAll(texts)) {
    if (!element.textContent.trim() || !element.checkVisibility()) continue;
    const [a, b] = [luminance(rgb(getComputedStyle(element).color)), luminance(solid(element))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.outerHTML.slice(0, 90)]);
  }
  return found.sort((x, y) => x[0] - y[0])[0];
}"""


@pytest.fixture(params=[("light", 390), ("dark", 390), ("light", 1440), ("dark", 1440)], ids=str)
def tab(browser: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Tab, list[str]]]:
    """A tab that records every request and every message of the console."""
    scheme, width = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    tab = context.new_page()
    seen: list[str] = []

    def note_request(request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            seen.append(request.url)

    def note_message(message: ConsoleMessage) -> None:
        seen.append(message.text)

    tab.on("request", note_request)
    tab.on("console", note_message)
    yield tab, seen
    context.close()


def open_all(tab: Tab, site: Path, name: str) -> None:
    tab.goto((site / f"{name}.html").as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


def test_pages_fit_call_nobody_and_can_be_read(tab: tuple[Tab, list[str]], site: Path) -> None:
    page, seen = tab
    is_narrow = (page.viewport_size or {})["width"] == 390
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    for name in NAMES if is_narrow != is_dark else SAMPLE:
        open_all(page, site, name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        ratio, where = page.evaluate(MEASURE)
        assert ratio >= CONTRAST, (name, ratio, where)
    assert seen == []


@EACH_PAGE
def test_axe_finds_no_violation(browser: Browser, site: Path, name: str) -> None:
    context = browser.new_context(color_scheme="light", bypass_csp=True)
    page = context.new_page()
    open_all(page, site, name)
    # The rows of a table are alike, and axe measures every cell of them for seconds.
    page.evaluate("document.querySelectorAll('tbody tr:nth-child(n+4)').forEach(r => r.remove())")
    check(page, name, {})
    page.emulate_media(color_scheme="dark")
    check(page, name, {"runOnly": ["color-contrast"]})
    context.close()


def test_the_sample_holds_every_kind_of_section() -> None:
    reports = load_reports()
    kinds = {
        "index" if name == "overview" else name: {section.type for section in report.sections}
        for name, report in reports.items()
    }
    sampled = set().union(*(kinds[name] for name in SAMPLE if name in kinds))
    assert sampled == set().union(*kinds.values())


def check(page: Tab, name: str, options: dict[str, Any]) -> None:
    # Naming every element that passes would take most of the time.
    result = Axe().run(page, options={"resultTypes": ["violations"]} | options)
    assert result.response["passes"], f"axe looked at nothing on {name}"
    assert not result.response["violations"], (name, result.generate_report())


def test_one_drawing_of_each_chart_shows(tab: tuple[Tab, list[str]], site: Path) -> None:
    page, _ = tab
    open_all(page, site, "index")
    shown = page.evaluate(
        """[...document.querySelectorAll('.chart')].map(chart =>
            [...chart.children].filter(child => child.checkVisibility()).map(c => c.className))"""
    )
    expected = ["narrow"] if (page.viewport_size or {})["width"] == 390 else ["wide"]
    assert shown and all(classes == expected for classes in shown)
    smallest = page.evaluate(
        """Math.min(...[...document.querySelectorAll('.chart text')]
            .filter(text => text.checkVisibility())
            .map(text => text.getBoundingClientRect().height))"""
    )
    assert smallest >= 10  # px: the line of the smallest label


def test_the_colours_follow_the_scheme(tab: tuple[Tab, list[str]], site: Path) -> None:
    page, _ = tab
    open_all(page, site, "index")
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert color == ("rgb(26, 24, 22)" if is_dark else "rgb(250, 249, 247)")
    stroke = page.evaluate(
        "getComputedStyle(document.querySelector('.chart path[stroke-width=\"2\"]')).stroke"
    )
    assert stroke == ("rgb(223, 162, 131)" if is_dark else "rgb(143, 79, 52)")


@EACH_PAGE
def test_the_keyboard_reaches_everything(browser: Browser, site: Path, name: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((site / f"{name}.html").as_uri())
    wanted = page.evaluate(
        """[...document.querySelectorAll(
            'a[href], summary, [tabindex="0"], select, input:checked')]
            .filter(e => e.checkVisibility()).length"""
    )
    reached: list[Any] = []
    for _ in range(wanted):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => { const e = document.activeElement;
                e.dataset.seen = (e.dataset.seen || 0) + 1;
                const shown = e.tagName === 'INPUT' ? e.nextElementSibling : e;
                return [e.tagName, getComputedStyle(shown).outlineStyle]; }"""
            )
        )
    assert page.evaluate("document.querySelectorAll('[data-seen=\"1\"]').length") == wanted
    assert all(style == "solid" for _, style in reached)
    assert reached[0][0] == "A"  # the link that skips to the content
    if page.evaluate("document.querySelector('summary') !== null"):
        # What is closed is opened by a key.
        page.focus("summary")
        page.keyboard.press("Enter")
        assert page.evaluate("document.querySelector('details').open")
    page.close()


def test_pages_print(browser: Browser, site: Path) -> None:
    # A4 within its margins of 14 mm, in px of 1/96 inch: nothing may be cut off on paper.
    page = browser.new_page(viewport={"width": 687, "height": 1016})
    page.emulate_media(media="print")
    for name in SAMPLE:
        page.goto((site / f"{name}.html").as_uri())
        cut = page.evaluate(
            """[...document.querySelectorAll('.scroll')]
                .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)
                .map(e => e.ariaLabel)"""
        )
        assert cut == [], name
        smallest = page.evaluate(
            """Math.min(...[...document.querySelectorAll('p, th, td, small, dt, dd, li, text')]
                .filter(e => e.checkVisibility() && e.textContent.trim())
                .map(e => parseFloat(getComputedStyle(e).fontSize)
                    * (e.getScreenCTM ? e.ownerSVGElement.getScreenCTM().a : 1)))"""
        )
        assert smallest >= 8 * 96 / 72 - 0.01, name  # 8 points, in px
        content = page.pdf(prefer_css_page_size=True)
        assert content.startswith(b"%PDF") and len(content) > 5_000, name
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


def test_currencies_are_tabs_that_need_no_script(
    browser: Browser, business: Path, tmp_path: Path
) -> None:
    warehouse = Path(shutil.copy(business, tmp_path))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "insert into marts.mrr_movements select * replace ('eur' as currency,"
            " opening_mrr_cents // 2 as opening_mrr_cents) from marts.mrr_movements"
        )
    with OpenWarehouse(warehouse) as opened:
        page = build_page(opened, load_reports()["overview"], load_library())
    (tmp_path / "overview.html").write_text(render_html(page))
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((tmp_path / "overview.html").as_uri())
    usd, eur = tab.locator("#mrr-usd"), tab.locator("#mrr-eur")
    assert usd.is_visible() and not eur.is_visible()
    tab.focus("#mrr-eur-tab")
    tab.keyboard.press("Space")
    assert eur.is_visible() and not usd.is_visible()
    assert tab.locator("#what-moved-mrr-usd").is_visible(), "each set is for itself"
    context.close()


def test_a_telephone_shows_the_numbers_of_every_table(browser: Browser, site: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    for name in NAMES:
        open_all(page, site, name)
        unseen = page.evaluate(
            """[...document.querySelectorAll('.scroll')].filter(e => e.checkVisibility())
                .filter(e => {
                    const cells = [...e.querySelectorAll('tbody tr:first-child > .n')];
                    const end = e.getBoundingClientRect().right;
                    return cells.length && !cells.some(c => c.getBoundingClientRect().right <= end);
                }).map(e => e.ariaLabel)"""
        )
        assert unseen == [], name
    page.goto((site / "retention.html").as_uri())
    grid = page.locator("#activity-retention .scroll")
    before = grid.locator("tbody th").first.bounding_box()
    grid.evaluate("e => e.scrollLeft = 400")
    after = grid.locator("tbody th").first.bounding_box()
    assert grid.evaluate("e => e.scrollLeft") > 200 and before == after, "the name stays"
    page.close()
