"""``events.yml`` and ``targets.yml``: refused where wrong, and on the pages of the next build."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from sselfie_insights.build.derived import write_derived
from sselfie_insights.build.plans import read_events, read_targets
from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import build_page, load_reports
from sselfie_insights.report.draw.html import render_html

EVENTS = """events:
  - {day: 2026-10-05, kind: campaign, title: <Autumn> & more}
  - {day: 2026-06-14, kind: price change, title: Pro at 59}
  - {day: 2027-01-01, kind: release, title: Not yet}
"""
TARGETS = """targets:
  - {query: revenue/mrr_movements, column: closing_mrr_cents, currency: USD, value: 1000000, by: 2026-12-31}
"""  # noqa: E501


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_the_files_nothing_is_planned() -> None:
    assert read_events() == [] and read_targets() == []


def test_both_are_on_the_pages_of_the_next_build(business: Path, tmp_path: Path) -> None:
    warehouse = Path(shutil.copy(business, tmp_path))
    Path("events.yml").write_text(EVENTS)
    Path("targets.yml").write_text(TARGETS)
    write_derived(warehouse, warehouse)
    Path("events.yml").unlink()
    with OpenWarehouse(warehouse) as opened:
        page = build_page(opened, load_reports()["overview"], load_library())
    chart = page.data["mrr"].chart
    # The chart goes from June 2025 to November 2026, of which June 2026 is the 13th month.
    assert chart is not None and chart.events == (
        (12, "14 Jun 2026, price change: Pro at 59"),
        (16, "5 Oct 2026, campaign: <Autumn> & more"),
    )
    assert page.data["what-happened"].result.frame["happened_on"].to_list() == [
        date(2026, 10, 5), date(2026, 6, 14),
    ]  # fmt: skip
    text = render_html(page)
    assert "2: 5 Oct 2026, campaign: &lt;Autumn&gt; &amp; more." in text
    # Its MRR is 7,150.50, of 10,000.00 71.5 %.
    assert "Target $10,000.00 by 31 Dec 2026: 72% of it, $2,849.50 to go." in text


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("events.yml", "events: [{day: 2026-10-05, kind: party, title: x}]", "events.0.kind"),
        ("events.yml", "events: [{day: soon, kind: other, title: x}]", "events.0.day"),
        ("events.yml", "events: [{day: 2026-10-05, kind: other}]", "events.0.title"),
        ("targets.yml", TARGETS.replace("closing_mrr_cents", "closing"), "no number 'closing'"),
        ("targets.yml", TARGETS.replace("closing_mrr_cents", "currency"), "no number 'currency'"),
        ("targets.yml", TARGETS.replace("mrr_movements", "mrr_movement"), "mrr_movement"),
        ("targets.yml", TARGETS.replace("USD", "dollars"), "targets.0.currency"),
    ],
)
def test_what_is_wrong_is_refused_by_name(name: str, text: str, message: str) -> None:
    Path(name).write_text(text)
    with pytest.raises(UsageError, match=message):
        read_events()
        read_targets()
