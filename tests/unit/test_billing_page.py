"""The page on billing says what the worked cases say."""

import runpy
from pathlib import Path

import pytest

from sselfie_insights.resources import resource_dir
from tests.support.billing.cases import Case, load_cases

DOCS = Path(resource_dir("dbt_project")).parent / "docs"
PAGE = DOCS / "billing.md"


def test_the_page_is_what_make_docs_writes() -> None:
    script = runpy.run_path(str(DOCS / "write_billing.py"))

    assert PAGE.read_text(encoding="utf-8") == script["write_page"](), "run 'make docs'"


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.id)
def test_every_case_is_on_the_page(case: Case) -> None:
    assert f"**{case.id}** — {case.says}" in PAGE.read_text(encoding="utf-8")
