"""Retention by segment: complete without script, and every slice that the script shows."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from sselfie_insights.query import OpenWarehouse, load_library, run_query
from sselfie_insights.report.names import write_name
from tests.support.pages import suppress_alone

SECTION = "#which-segment-comes-back"
CHOICES = ("horizon", "start", "return", "breakdown")
READ = """section => ({
  words: section.querySelector('.verdict').textContent,
  cells: [...section.querySelectorAll('tr')].map(row => [...row.cells].map(c => c.textContent)),
  lines: section.querySelectorAll('figure polyline, figure path[stroke-width="2"]').length,
})"""
EVERY = """section => {
  const read = %s, found = {}, form = section.querySelector('form');
  const choose = (names, values) => {
    if (!names.length) {
      form.dispatchEvent(new Event('change'));
      found[values.join('|')] = read(section);
      return;
    }
    const select = form.elements[names[0]];
    for (const option of select.options) {
      select.value = option.value;
      choose(names.slice(1), [...values, option.value]);
    }
  };
  choose(%s, []);
  return found;
}"""


@pytest.fixture
def tab(browser: Browser, site: Path) -> Iterator[tuple[Tab, list[str]]]:
    """The page under its own policy, and what it asks for or complains of."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab, seen = context.new_page(), list[str]()
    tab.on("request", lambda request: seen.append(request.url))
    tab.on("console", lambda message: seen.append(message.text))
    tab.on("pageerror", lambda error: seen.append(str(error)))
    tab.goto((site / "retention.html").as_uri())
    yield tab, seen
    context.close()


def percent(count: int, n: int) -> str:
    return f"{int(100 * count / n + 0.5)}%"


def test_every_slice_is_what_the_query_gives(
    tab: tuple[Tab, list[str]], business: Path, site: Path
) -> None:
    page, seen = tab
    names = str(list(CHOICES))
    found = page.eval_on_selector(SECTION, EVERY % (READ, names))
    expected: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(list))
    with OpenWarehouse(business) as opened:
        query = load_library()["retention/fixed_cohorts"]
        result = suppress_alone(run_query(opened, query))
    for row in result.frame.to_dicts():
        key = "|".join(str(row[name]) for name in CHOICES)
        name = write_name(row["breakdown"], row["segment"], {}).replace("_", " ")
        expected[key][name].append(row)
    assert len(found) == 3 * 3 * 10 * 5
    hidden = shown = 0
    for key, drawn in found.items():
        head, *rows = drawn["cells"] if drawn["cells"] else [[]]
        months = int(key.split("|")[0])
        assert [row[0] for row in rows] == list(expected[key])
        for name, n, last, verdict, *earlier in rows:
            of = sorted(expected[key][name], key=lambda row: row["period_index"])
            if of[0]["person_count"] is None:
                hidden += 1
                assert n in ("<5", "hidden") and (last, verdict) == ("", "") and not any(earlier)
                continue
            shown += 1
            size, rates = of[0]["person_count"], [row["retained_count"] for row in of]
            ends = "-".join(str(int(100 * of[-1][end] + 0.5)) for end in ("low", "high"))
            assert n == f"{size:,}" and len(earlier) == months - 1 == len(head) - 4
            assert earlier == [percent(count, size) for count in rates[:-1]]
            assert last == f"{percent(rates[-1], size)} ({ends})"
        assert drawn["lines"] == min(6, sum(row[1][:1].isdigit() for row in rows))
    assert hidden > 50 and shown > 200
    assert seen == [(site / "retention.html").as_uri()], "one request, and no complaint"


def test_without_a_script_the_first_slice_is_complete(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "retention.html").as_uri())
    assert not page.locator(f"{SECTION} form").is_visible()
    without = page.locator(f"{SECTION} table").inner_text()
    words = page.locator(f"{SECTION} .verdict").inner_text()
    assert page.locator(f"{SECTION} .chart").is_visible()
    context.close()

    # The script draws the same slice with the same words and numbers.
    scripted = browser.new_page()
    scripted.goto((site / "retention.html").as_uri())
    scripted.eval_on_selector(f"{SECTION} form", "form => form.dispatchEvent(new Event('change'))")
    assert scripted.locator(f"{SECTION} table").inner_text() == without
    assert scripted.locator(f"{SECTION} .verdict").inner_text() == words
    scripted.close()


def test_a_choice_is_in_the_address_and_made_by_keyboard(
    tab: tuple[Tab, list[str]], browser: Browser, site: Path
) -> None:
    page, _ = tab
    page.focus(f"{SECTION} select[name=horizon]")
    page.keyboard.press("ArrowUp")  # three months
    for _ in CHOICES[1:]:
        page.keyboard.press("Tab")
    page.keyboard.press("End")  # split by nothing
    chosen = page.eval_on_selector(SECTION, READ)
    assert page.url.endswith("=3|first_subscription|any|none")
    assert [row[0] for row in chosen["cells"]] == ["Segment", "all"]
    again = browser.new_page()
    again.goto(page.url)
    assert again.eval_on_selector(SECTION, READ)["cells"] == chosen["cells"]
    again.close()


def test_no_other_script_runs(tab: tuple[Tab, list[str]]) -> None:
    page, _ = tab
    page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = 1';
            document.body.append(script);
            document.body.insertAdjacentHTML('beforeend', '<p onclick="window.ran = 1" id="it">x');
            document.getElementById('it').click();
        }"""
    )
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_what_the_script_draws_is_for_everybody(
    browser: Browser, site: Path, scheme: Any, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto((site / "retention.html").as_uri() + f"{SECTION}=12|signup|any|product")
    assert page.locator(f"{SECTION} form").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    options = {"resultTypes": ["violations"]}
    result = Axe().run(page, context=SECTION, options=options)
    assert not result.response["violations"], result.generate_report()
    context.close()
