"""Which tables of the warehouse who reads; tests/dbt says the same of the models."""

import re
from pathlib import Path

import sselfie_insights
from sselfie_insights.resources import resource_dir

PACKAGE = Path(sselfie_insights.__file__).parent
BELOW = re.compile(r"\b(?:raw(?:_\w+)?|staging|core|intermediate)\.\w+")
MODELS = re.compile(r"\b(?:staging\.stg|core\.core|intermediate\.int)_\w+")


def test_a_query_reads_nothing_below_the_marts() -> None:
    files = [path for path in resource_dir("queries").glob("**/*") if path.is_file()]

    below = {path.name: BELOW.findall(path.read_text()) for path in files}

    assert len(files) > 1
    assert not {name: tables for name, tables in below.items() if tables}


def test_what_reads_a_finished_build_reads_nothing_below_the_marts() -> None:
    files = [path for path in PACKAGE.glob("**/*") if path.suffix in (".py", ".sql")]

    below = [path.name for path in files if MODELS.search(path.read_text())]

    assert not below
