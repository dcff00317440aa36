"""Queries of one's own are compared as their headers say."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.diff import compare, comparison
from sselfie_insights.query.library import load_library
from sselfie_insights.settings import load_settings
from tests.support.comparisons import LATE, MORE, OCTOBER, SEPTEMBER, Later, summarize

OWN = """/*
grain: One row per month.
title: Own
description: What an analyst added.
key: [month]
{more}
columns:
  month: {{unit: month, description: M.}}
  gross_cents: {{unit: cents, description: G.}}
  is_complete: {{unit: flag, description: C.}}
*/
select month, {gross} as gross_cents, any_value(is_complete) as is_complete
from marts.revenue_by_month where product_type = 'pro' group by month
"""


ROWS_OF_OWN = """/*
grain: One row per payment.
title: Own rows
description: What an analyst added.
key: [movement_key]
columns:
  movement_key: {unit: text, description: K.}
*/
select movement_key from marts.payments
"""


MONTHLY, SO_FAR = "sum(gross_cents)", "sum(sum(gross_cents)) over (order by month)"


@pytest.mark.parametrize(
    ("header", "gross", "causes"),
    [
        ("rows: revenue/payments", MONTHLY, {SEPTEMBER: "late row"}),
        ("rows: mine/rows", MONTHLY, {SEPTEMBER: "late row"}),
        ("", MONTHLY, {SEPTEMBER: "not proven"}),
        ("rows: credits/credit_entries", MONTHLY, {SEPTEMBER: "not proven"}),
        (
            "rows: mine/rows\ncarries: forward", SO_FAR,
            {SEPTEMBER: "late row", OCTOBER: "late row"},
        ),
        (
            "rows: mine/rows\ncarries: period", SO_FAR,
            {SEPTEMBER: "late row", OCTOBER: "not proven"},
        ),
        # The payment is of the 20th of September.
        (
            "rows: mine/rows\ncarries: 11 days", SO_FAR,
            {SEPTEMBER: "late row", OCTOBER: "late row"},
        ),
        (
            "rows: mine/rows\ncarries: 10 days", SO_FAR,
            {SEPTEMBER: "late row", OCTOBER: "not proven"},
        ),
    ],
)  # fmt: skip
def test_a_query_of_ones_own_is_compared_as_its_header_says(
    later: Later,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    header: str,
    gross: str,
    causes: dict[date, str],
) -> None:
    write_own(tmp_path, {"own": OWN.format(more=header, gross=gross), "rows": ROWS_OF_OWN})
    own = {
        name: query
        for name, query in load_library().items()
        if name.startswith("mine/") or name in ("revenue/payments", "credits/credit_entries")
    }
    monkeypatch.setattr(comparison, "load_library", lambda: own)
    found = later(LATE + MORE)
    assert {each.number.first_on: each.causes for each in found.restatements} == {
        month: (cause,) for month, cause in causes.items()
    }
    assert {row.key for row in found.rows} == ({"in_3"} if "late row" in causes.values() else set())


OF_NOW = """/*
grain: One row in all.
title: Own
description: What an analyst added.
key: []
{more}
columns:
  liability_cents: {{unit: cents, description: L.}}
*/
select sum(liability_cents) as liability_cents from marts.liability
"""


def test_a_number_of_the_present_is_compared_where_its_header_says_so(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"said": OF_NOW.format(more="carries: now"), "silent": OF_NOW.format(more="")}
    write_own(tmp_path, files)
    own = {name: query for name, query in load_library().items() if name.startswith("mine/")}
    monkeypatch.setattr(comparison, "load_library", lambda: own)
    after = Path(shutil.copy(template, tmp_path / "b.duckdb"))
    with duckdb.connect(after) as db:
        db.execute("update marts.liability set liability_cents = 1")
    found = compare(load_settings(warehouse=after), template, after)
    assert summarize(found) == {("mine/said", None, "liability_cents", 54000, 1, ("not proven",))}


def write_own(folder: Path, files: dict[str, str]) -> None:
    """Write queries of the user's own, as ``mine/…``."""
    (folder / "queries" / "mine").mkdir(parents=True)
    for name, text in files.items():
        (folder / "queries" / "mine" / f"{name}.sql").write_text(text)
