"""The options of every table, and what a terminal leaves out of it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from sselfie_insights.cli import app
from sselfie_insights.errors import UsageError
from tests.support.warehouses import write_warehouse
from tests.unit.cli.test_output import pretend

SQL = """
    select * from (values
        ('Jan 2026', 'usd', 50000, 1000, 2), ('Jan 2026', 'jpy', 9800, 0, 1),
        ('Feb 2026', 'usd', 60050, -1000, 3)
    ) as t (month, currency, mrr_cents, lost_cents, members)
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    return write_warehouse(folder / "w.duckdb", [], datetime(2026, 3, 1, tzinfo=UTC))


def run(warehouse: Path, *words: str, sql: str = SQL) -> Result:
    asked = ["query", "run", "-", "--warehouse", str(warehouse), *words]
    return CliRunner().invoke(app, asked, input=sql)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A terminal of 80 columns, without a pager."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PAGER", "")
    pretend(monkeypatch, is_terminal=True)
    return monkeypatch


def test_columns_order_and_rows_are_those_asked_for(warehouse: Path) -> None:
    asked = ["--columns", "month,mrr", "--sort", "-mrr_cents", "--limit", "2"]
    shown = run(warehouse, *asked)
    # Money keeps its currency's sign and decimals, though nobody asked for that column.
    assert shown.stdout.splitlines() == [
        "month         mrr",
        "--------  -------",
        "Feb 2026  $600.50",
        "Jan 2026  $500.00",
    ]
    rows = json.loads(run(warehouse, *asked, "--format", "json").stdout)
    assert rows == [
        {"month": "Feb 2026", "mrr_cents": 60050},
        {"month": "Jan 2026", "mrr_cents": 50000},
    ]
    assert run(warehouse, *asked, "--format", "csv").stdout == (
        "month,mrr_cents\nFeb 2026,60050\nJan 2026,50000\n"
    )


def test_yen_have_no_decimals_in_a_workbook_of_chosen_columns(
    warehouse: Path, tmp_path: Path
) -> None:
    file = tmp_path / "t.xlsx"
    run(warehouse, "--columns", "mrr", "--sort", "mrr", "-o", str(file))
    rows = list(load_workbook(file).worksheets[1].iter_rows(min_row=5, values_only=True))
    assert rows == [("mrr", "currency"), (9800, "jpy"), (500, "usd"), (600.5, "usd")]


def test_markdown_has_money_as_people_write_it(warehouse: Path, tmp_path: Path) -> None:
    file = tmp_path / "t.md"
    run(warehouse, "--columns", "currency,mrr", "--limit", "2", "-o", str(file))
    expected = "| currency | mrr |\n| --- | ---: |\n| usd | $500.00 |\n| jpy | ¥9,800 |\n"
    assert file.read_text() == expected


def test_a_block_a_row_off_a_terminal_too(warehouse: Path) -> None:
    assert run(warehouse, "-x", "--columns", "month,lost", "--limit", "1").stdout == (
        "-- 1 --\nmonth  Jan 2026\nlost   $10.00\n"
    )
    refused = run(warehouse, "-x", "--format", "csv")
    assert isinstance(refused.exception, UsageError)
    assert "--expanded is for --format table" in str(refused.exception)


@pytest.mark.parametrize(
    ("words", "foot"),
    [
        ([], "3 rows"),
        (["--limit", "1"], "1 of 3 rows; --limit 0 shows all"),
        (["--limit", "0"], "3 rows"),
        (["--limit", "9"], "3 rows"),
    ],
)
def test_a_terminal_says_how_many_rows_there_are(
    warehouse: Path, terminal: pytest.MonkeyPatch, words: list[str], foot: str
) -> None:
    assert run(warehouse, *words).stdout.splitlines()[-1] == foot


def test_a_narrow_terminal_says_what_it_leaves_out(
    warehouse: Path, terminal: pytest.MonkeyPatch
) -> None:
    terminal.setenv("COLUMNS", "31")
    shown = run(warehouse, "--limit", "1").stdout.splitlines()
    assert shown[0] == "month     …    lost  members"
    assert shown[-4:] == [
        "2 of 5 columns left out:",
        "currency, mrr; -x shows every",
        "column, --columns those you",
        "name",
    ]


def test_a_long_table_loses_its_middle_on_a_terminal_alone(
    warehouse: Path, terminal: pytest.MonkeyPatch
) -> None:
    numbers = "select range as n from range(1, 251)"
    shown = run(warehouse, sql=numbers).stdout.splitlines()
    assert [line.strip() for line in shown[51:54]] == ["50", "⋮", "201"]
    assert shown[-1] == "100 of 250 rows, the middle left out; --limit 0 shows all"
    assert len(shown) == 2 + 101 + 2
    whole = run(warehouse, "--limit", "0", sql=numbers).stdout.splitlines()
    assert len(whole) == 2 + 250 + 2


def test_a_pipe_gets_every_row(warehouse: Path) -> None:
    numbers = "select range as n from range(1, 251)"
    assert len(run(warehouse, sql=numbers).stdout.splitlines()) == 2 + 250


def test_a_list_of_names_is_whole_and_can_be_searched(terminal: pytest.MonkeyPatch) -> None:
    listed = CliRunner().invoke(app, ["query", "list", "--columns", "query"]).stdout
    assert "⋮" not in listed and len(listed.splitlines()) > 104
    found = CliRunner().invoke(app, ["query", "list", "LTV"]).stdout.splitlines()
    assert [line.split()[0] for line in found[2:-2]] == [
        "forecast/ltv_by_cohort",
        "forecast/ltv_by_member",
        "forecast/ltv_by_product",
    ]
