"""Which queries need which column of the source: found by doing without it.

``UPDATE_NEEDS=1 pytest --slow tests/integration/test_needs.py`` writes ``queries/needs.json``.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app
from sselfie_insights.contract import load_contract
from sselfie_insights.errors import UnknownError
from sselfie_insights.query import OpenWarehouse, load_library, run_query
from sselfie_insights.query.cells import write_rows
from sselfie_insights.query.lineage import read_tables
from sselfie_insights.query.needs import NEEDS, load_needs, record_unknown
from sselfie_insights.query.result import Result
from sselfie_insights.report.blocks import HeadlineBlock
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.report.notices import read_notices
from sselfie_insights.report.site import build_pages
from sselfie_insights.resources import resource_dir
from sselfie_insights.warehouse.gaps import Gap
from sselfie_insights.warehouse.paths import artifacts_dir
from sselfie_insights.warehouse.unknown import WHOLE, Lack, list_whole, write_lacks
from tests.integration.conftest import Business
from tests.support.models import Node, compiled_nodes

STAGING = resource_dir("dbt_project") / "models" / "staging" / "app"
FORECASTS = Path(__file__).parents[2] / "sselfie_insights" / "forecast"

Answers = dict[str, list[Result]]

IN_PART = frozenset({"subscriptions.status"})
"""Columns without which the rest of an answer stays right: who is a member, payments say, and this
only how a membership ended. Of other columns a number may seem independent by chance."""


class Trial:
    """A built business, in a file of its own, that is built again without a column."""

    def __init__(self, path: Path, nodes: list[Node]) -> None:
        with OpenWarehouse(path) as opened:
            self.stamp = opened.stamp
        self.path, self.gaps, self.unknown = path, {}, {}
        self.connection = duckdb.connect(str(path))
        self.connection.execute("set TimeZone = 'UTC'; set threads = 1")
        self._nodes = nodes
        self._forecast_marts = {
            name
            for file in FORECASTS.glob("*.py")
            for name in re.findall(r"\bmarts\.(\w+)", file.read_text())
        }
        self.build({node.name for node in nodes})
        self.whole = self.answer({node.name for node in nodes})
        self.marts = self.digest()

    def build(self, names: Iterable[str]) -> None:
        for node in self._nodes:
            if node.name in names:
                self.connection.execute(
                    f"create or replace {node.kind} {node.schema}.{node.name} as {node.sql}"
                )

    def digest(self) -> dict[str, Any]:
        return {
            name: self.connection.execute(f"select sum(hash(t)) from marts.{name} t").fetchone()
            for name in self._forecast_marts
        }

    def answer(self, names: set[str]) -> Answers:
        """What the queries of ``names`` give; what compares two spans of time, for either."""
        return {
            query.name: [
                run_query(self, query, values, as_rows=True, with_personal_data=True)  # type: ignore[arg-type]
                for values in ([{}, {"span": "month"}] if "span" in query.parameters else [{}])
            ]
            for query in load_library([resource_dir("queries")]).values()
            if {table.partition(".")[2] for table in read_tables(query)} & names
        }

    def downstream(self, name: str) -> set[str]:
        found = {name}
        for node in self._nodes:
            if set(node.parents) & found:
                found.add(node.name)
        return found

    @contextmanager
    def without(self, table: str, column: str, names: set[str]) -> Iterator[None]:
        """The models ``names``, where ``column`` of the mirror is NULL everywhere."""
        self.connection.execute("begin")
        self.connection.execute(f'update raw."{table}" set "{column}" = null')
        self.build(names)
        yield
        self.connection.execute("rollback")

    def need(self, model: str, table: str, column: str) -> dict[str, list[str]]:
        """Return the queries that answer otherwise without ``column``, and their columns that do.

        That is ``WHOLE`` where the rest may be wrong as well.
        """
        names = self.downstream(model)
        with self.without(table, column, names):
            found = {
                name: parts if f"{table}.{column}" in IN_PART else [WHOLE]
                for name, results in self.answer(names).items()
                if (parts := find_changed(self.whole[name], results))
            }
            changed = {name for name, sum_ in self.digest().items() if sum_ != self.marts[name]}
        if changed:  # forecasts are made from marts, by Python
            found |= {
                query.name: [WHOLE]
                for query in load_library([resource_dir("queries")]).values()
                if any(table.startswith("forecast.") for table in read_tables(query))
            }
        return found


def find_changed(before: list[Result], after: list[Result]) -> list[str]:
    """Return the columns that differ in the same rows; ``WHOLE`` where the rows are others."""
    changed = set[str]()
    for old, new in zip(before, after, strict=True):
        was, now = (
            dict(zip(r.columns, zip(*r.rows, strict=True), strict=False)) for r in (old, new)
        )
        if old.height != new.height or any(was.get(name) != now.get(name) for name in old.key):
            return [WHOLE]
        changed |= {name for name in old.columns if was.get(name) != now.get(name)}
    return sorted(changed)


@pytest.fixture(scope="module")
def trial(built_business: Business, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    warehouse = built_business.settings.warehouse
    path = Path(shutil.copy(warehouse, tmp_path_factory.mktemp("needs") / "w.duckdb"))
    nodes = compiled_nodes(artifacts_dir(warehouse) / "duckdb")
    return Trial(path, [node for node in nodes if node.kind != "seed"])


def read_by_staging(trial: Trial) -> Iterator[tuple[str, str, str]]:
    """Yield model, table and documented column of all that staging reads of the source."""
    live = {
        (table, column)
        for table, column in trial.connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'raw'"
        ).fetchall()
    }
    for path in sorted(STAGING.glob("stg_*.sql")):
        text = path.read_text()
        if found := re.search(r"conformed\('(\w+)'\)", text):
            for column in load_contract()[found[1]].columns:
                if re.search(rf"\b{column.name}\b", text) and (found[1], column.name) in live:
                    yield path.stem, found[1], column.name


@pytest.mark.slow
def test_the_list_of_needs_is_what_doing_without_shows(trial: Trial) -> None:
    groups: dict[str, tuple[list[str], dict[str, list[str]]]] = {}
    for model, table, column in read_by_staging(trial):
        if needed := trial.need(model, table, column):
            groups.setdefault(json.dumps(needed, sort_keys=True), ([], needed))[0].append(
                f"{table}.{column}"
            )
    found = []
    for columns, needed in groups.values():
        in_part = {name: parts for name, parts in sorted(needed.items()) if parts != [WHOLE]}
        group = {"columns": columns, "queries": sorted(needed.keys() - in_part.keys())}
        found.append(group | ({"columns_of": in_part} if in_part else {}))
    if os.environ.get("UPDATE_NEEDS"):
        (resource_dir("queries") / NEEDS).write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads((resource_dir("queries") / NEEDS).read_text())


@pytest.mark.parametrize(
    ("model", "table", "column"),
    [
        ("stg_app__subscriptions", "subscriptions", "status"),
        ("stg_app__email_sends", "email_sends", "email_type"),
        ("stg_app__ai_images", "ai_images", "is_favorite"),
    ],
)
def test_some_of_the_needs_every_time(trial: Trial, model: str, table: str, column: str) -> None:
    assert trial.need(model, table, column) == load_needs().get(f"{table}.{column}", {})


def lack(path: Path, *rows: tuple[str, str | None, str, str]) -> list[str]:
    """Let the last sync of the file at ``path`` have found the differences ``rows``."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from meta.contract_drift")
        for row in rows:
            connection.execute("insert into meta.contract_drift values (?, ?, ?, ?)", row)
        return record_unknown(connection)


def test_what_needs_a_column_that_is_gone_is_not_known_and_the_rest_is(
    built_business: Business, tmp_path: Path
) -> None:
    settings = built_business.settings
    path = Path(shutil.copy(settings.warehouse, tmp_path / "w.duckdb"))
    since = "2026-11-14 03:00:00 UTC"
    reason = f"not known since {since}: the source no longer has subscriptions.status"
    [sentence] = lack(
        path,
        ("subscriptions", "status", "column gone", since),
        # Nobody ever had these, and no metric hangs on them: the application lacks that part.
        ("academy_courses", "level", "column missing", "documented, and not in the source"),
        ("carousel_posts", None, "table missing", "documented, and not in the source"),
    )
    assert sentence == f"1 of the queries cannot be answered, and 4 in part only; {reason}"
    library = load_library()
    with OpenWarehouse(path) as warehouse:
        with pytest.raises(UnknownError, match=re.escape(reason)):
            run_query(warehouse, library["explain/churn"])
        losses = run_query(warehouse, library["churn/churn_by_month"])
        assert run_query(warehouse, library["revenue/mrr_movements"]).height
        assert run_query(warehouse, library["academy/academy_by_course"]).height
        notices = read_notices(settings, warehouse)
    assert notices[0].startswith(f"1 query is {reason}. ")
    assert notices[1].startswith(f"Columns of 4 queries are {reason}. ")
    # Who is a member, and who has left, is known from payments; how somebody left is not.
    kinds = ["voluntary_count", "involuntary_count", "unknown_count"]
    assert losses.unknown == dict.fromkeys(kinds, reason)
    with OpenWarehouse(settings.warehouse) as warehouse:
        known = run_query(warehouse, library["churn/churn_by_month"])
    assert losses.frame.drop(kinds).equals(known.frame.drop(kinds))
    assert all(losses.frame[name].null_count() == losses.height for name in kinds)
    assert sum(known.frame["voluntary_count"]) and set(write_rows(losses, kinds)[0]) == {
        "not known"
    }
    command = ["query", "run", "churn/churn_by_month"]
    done = CliRunner().invoke(app, command, env={"SSELFIE_WAREHOUSE": str(path)})
    assert f"note: {', '.join(sorted(kinds))}: {reason}" in " ".join(done.stderr.split())
    gaps: list[Gap] = []
    pages = list(build_pages(settings.model_copy(update={"warehouse": path}), gaps.append))
    assert gaps and all(gap.is_unknown and gap.reason == reason for gap in gaps)
    churn = next(page for page in pages if page.report.name == "churn")
    html = render_html(churn)
    assert html.count(f"Not available: {reason}.") == 1  # losses by kind
    [headline] = [block for block in churn.blocks if isinstance(block, HeadlineBlock)]
    assert headline.tiles[0].label == "Members" and headline.tiles[0].value.isdigit()


def test_a_required_column_that_never_was_is_not_known_either(
    built_business: Business, tmp_path: Path
) -> None:
    path = Path(shutil.copy(built_business.settings.warehouse, tmp_path / "w.duckdb"))
    missing = "column missing", "documented, and not in the source"
    [sentence] = lack(path, ("stripe_payments", "amount_cents", *missing))
    assert "not known: the source lacks stripe_payments.amount_cents" in sentence
    with OpenWarehouse(path) as warehouse, pytest.raises(UnknownError):
        run_query(warehouse, load_library()["revenue/revenue_by_month"])


def test_a_number_is_missing_for_what_it_needs_alone(
    built_business: Business, tmp_path: Path
) -> None:
    """Without a ledger of credits MRR is known, though nothing compares it with last month."""
    settings = built_business.settings
    path = Path(shutil.copy(settings.warehouse, tmp_path / "w.duckdb"))
    missing = "table missing", "documented, and not in the source"
    tables = ("credit_transactions", "user_credits", "waitlist")
    lack(path, *((table, None, *missing) for table in tables))
    with OpenWarehouse(path) as warehouse:
        unknown = list_whole(warehouse.unknown)
        [notice] = [n for n in read_notices(settings, warehouse) if "not known" in n]
    assert write_lacks(unknown["credits/ledger_gaps"]) == (
        "not known: the source lacks credit_transactions, user_credits"
    )
    assert unknown["engagement/active_users"] == [Lack("credit_transactions", "missing")]
    assert "revenue/mrr_movements" not in unknown
    assert notice.startswith(
        f"{len(unknown)} queries are not known: the source lacks credit_transactions, user_credits."
    )
    gaps: list[Gap] = []
    pages = build_pages(settings.model_copy(update={"warehouse": path}), gaps.append)
    overview = next(page for page in pages if page.report.name == "overview")
    tiles = {
        tile.label: tile
        for block in overview.blocks
        if isinstance(block, HeadlineBlock)
        for tile in block.tiles
    }
    assert tiles["MRR, USD"].change == ""
    assert tiles["MRR, USD"].value.startswith("$") and tiles["Members"].value.isdigit()
    assert tiles["Credits used"].value == "not known: the source lacks credit_transactions"


def test_every_query_of_the_list_is_one() -> None:
    library = load_library([resource_dir("queries")])
    assert frozenset().union(*load_needs().values()) <= library.keys()
