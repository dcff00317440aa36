"""What an analyst or a developer adds touches no test: each change in a copy of the project.

The tests that a change could concern run in the copy, as they stand.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sselfie_insights.migrate.files import create_migration
from tests.support.docs import read_blocks

ROOT = Path(__file__).parents[2]
PARTS = ("dbt_project", "docs", "queries", "reports", "sselfie_insights", "tests")

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project."""
    copy = tmp_path / "project"
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.glob("[!.]*"):
        if file.is_file():
            shutil.copy(file, copy)
    return copy


def run(project: Path, *arguments: str) -> str:
    """Run Python in the copy, on the package of the copy; return what it says if it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout[-5_000:] + done.stderr if done.returncode else ""


def run_tests(project: Path, *tests: str) -> str:
    return run(project, "-m", "pytest", "--quiet", "--exitfirst", "-p", "no:cacheprovider", *tests)


def test_a_column_of_the_source_is_a_line_of_the_contract_and_a_migration(project: Path) -> None:
    contract = project / "dbt_project/models/staging/app/_users__sources.yml"
    content = yaml.safe_load(contract.read_text(encoding="utf-8"))
    [users] = [table for table in content["sources"][0]["tables"] if table["name"] == "users"]
    description = "The language of the pages, as the browser asked for it."
    users["columns"].append({"name": "locale", "data_type": "text", "description": description})
    contract.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    migration = create_migration(project / "sselfie_insights/migrate/migrations", "add_locale")
    migration.write_text("alter table public.users add column locale text;\n")

    assert not run_tests(
        project,
        *("tests/unit/test_contract.py", "tests/unit/check", "tests/unit/migrate"),
        *("tests/unit/simulate", "tests/unit/sync", "tests/dbt/test_staging.py"),
        *("tests/integration/check", "tests/integration/migrate", "tests/integration/simulate"),
        *("tests/integration/setup", "tests/integration/sync/test_source.py"),
    )


def test_a_query_and_its_report_are_two_files(project: Path) -> None:
    """The query that the documents show, and a short report of it."""
    file = "queries/growth/signups.sql"
    [query] = [block.text for block in read_blocks("docs/queries.md") if block.file == file]
    (project / file).write_text(query)
    (project / "reports/signups.yml").write_text(REPORT)
    assert not run(project, "docs/write_exposures.py")

    assert not run_tests(
        project,
        *("tests/unit/query", "tests/unit/report", "tests/unit/diff", "tests/unit/cli"),
        *("tests/unit/test_docs.py", "tests/unit/test_layers.py"),
        *("tests/golden", "tests/dbt/test_properties.py"),
    )


def test_a_command_is_a_module_two_lines_and_a_word_in_the_pages(project: Path) -> None:
    (project / "sselfie_insights/cli/greet.py").write_text(COMMAND)
    commands = project / "sselfie_insights/cli/__init__.py"
    text = commands.read_text()
    text = text.replace("    forget,\n", "    forget,\n    greet,\n")
    text = text.replace("forget.register(app)\n", "forget.register(app)\ngreet.register(app)\n")
    commands.write_text(text)
    with (project / "docs/reports.md").open("a") as page:
        page.write("\n```sh\nsselfie greet\n```\n")
    assert not run(project, "docs/write_reference.py")

    assert not run_tests(
        project,
        *("tests/unit/cli", "tests/unit/test_docs.py", "tests/unit/test_layers.py"),
        "tests/integration/test_docs.py",
    )


COMMAND = '''\
"""``sselfie greet``: a word of welcome."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(greet)


def greet() -> None:
    """Say hello.

    Example: sselfie greet
    """
    typer.echo("hello")
'''

REPORT = """\
title: Signups
description: Who came, by month.
sections:
  - type: bar
    title: Signups by month
    query: growth/signups
    x: month
    y: {user_count: Signups}
"""
